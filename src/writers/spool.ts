import { closeSync, constants, openSync, readSync, unlinkSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { type Events, type KindName, kindNames } from '#events'
import { type ColumnArray, Dictionary, newTables } from '#events/columns'
import { unwritable } from './unwritable.ts'

/** Bytes of batches kept in memory: what most traces have in all. Of a larger one nothing is kept. */
const KEPT = 16 * 1024 * 1024

const spineColumns = ['time', 'cpu', 'pid', 'kind', 'comm', 'context', 'slot'] as const
const spineArrays = {
  time: Float64Array,
  cpu: Uint16Array,
  pid: Int32Array,
  kind: Uint8Array,
  comm: Uint32Array,
  context: Uint8Array,
  slot: Uint32Array,
} as const

/** Where a batch stands in the file: its columns one behind the other. */
interface Stored {
  readonly at: number
  readonly length: number
  readonly zero: number
  readonly rows: ReadonlyMap<KindName, number>
  /** Which dictionary it has. */
  readonly strings: number
}

interface StoredStrings {
  readonly at: number
  readonly length: number
}

/**
 * Batches of events that come once and are walked many times: few are kept in memory, many in a file without a name, so that nothing
 * stays of it however the process ends.
 */
export class Spool implements Iterable<Events> {
  readonly #path: string
  readonly #keep: number
  #kept: Events[] = []
  #keptBytes = 0
  readonly #stored: Stored[] = []
  #file: number | undefined
  #end = 0
  readonly #dictionaries: StoredStrings[] = []
  /** The newest dictionary, which still grows. */
  #strings: Dictionary | undefined
  /** Events in all batches. */
  length = 0

  /** `path`: a file that does not exist, in a folder with room. */
  constructor(path: string, keep = KEPT) {
    this.#path = path
    this.#keep = keep
  }

  add(batch: Events): void {
    this.length += batch.length
    const bytes = columnsOf(batch).reduce((sum, { byteLength }) => sum + byteLength, 0)
    this.#keptBytes += bytes
    if (this.#keptBytes <= this.#keep) {
      this.#kept.push(batch)
      return
    }
    for (const kept of this.#kept) this.#store(kept)
    this.#kept = []
    this.#store(batch)
  }

  #store(batch: Events): void {
    if (batch.strings !== this.#strings) {
      this.#storeStrings()
      this.#strings = batch.strings
    }
    const { length, zero, tables } = batch
    const rows = new Map(kindNames.map((kind) => [kind, tables[kind].length]))
    this.#stored.push({ at: this.#end, length, zero, rows, strings: this.#dictionaries.length })
    for (const column of columnsOf(batch)) this.#write(column)
  }

  *[Symbol.iterator](): Generator<Events> {
    yield* this.#kept
    let number = -1
    let strings: Dictionary | undefined
    for (const stored of this.#stored) {
      if (stored.strings !== number) strings = this.#readStrings(stored.strings)
      number = stored.strings
      yield this.#read(stored, strings!)
    }
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file)
    this.#file = undefined
  }

  #write({ buffer, byteOffset, byteLength }: ArrayBufferView): void {
    const bytes = new Uint8Array(buffer, byteOffset, byteLength)
    try {
      this.#file ??= openNameless(this.#path)
      for (let done = 0; done < byteLength; )
        done += writeSync(this.#file, bytes, done, byteLength - done, this.#end + done)
    } catch (error) {
      throw unwritable(error, this.#path)
    }
    this.#end += byteLength
  }

  #storeStrings(): void {
    if (this.#strings === undefined) return
    const { size } = this.#strings
    const bytes = Buffer.from(JSON.stringify(Array.from({ length: size }, (_, number) => this.#strings!.get(number))))
    this.#dictionaries.push({ at: this.#end, length: bytes.length })
    this.#write(bytes)
  }

  #readStrings(number: number): Dictionary {
    const stored = this.#dictionaries[number]
    if (stored === undefined) return this.#strings!
    const bytes = this.#fill(Buffer.alloc(stored.length), stored.at)
    const strings = new Dictionary()
    for (const text of JSON.parse(bytes.toString()) as string[]) strings.add(text)
    return strings
  }

  #read({ at, length, zero, rows }: Stored, strings: Dictionary): Events {
    let place = at
    const next = <T extends ColumnArray>(column: T): T => {
      this.#fill(column, place)
      place += column.byteLength
      return column
    }
    const spine = Object.fromEntries(spineColumns.map((name) => [name, next(new spineArrays[name](length))]))
    const tables = newTables()
    for (const kind of kindNames) {
      const table = tables[kind]
      table.setLength(rows.get(kind)!)
      for (const { data } of table.list) next(data)
    }
    return { length, zero, strings, tables, ...(spine as unknown as Pick<Events, (typeof spineColumns)[number]>) }
  }

  #fill<T extends ArrayBufferView>(column: T, at: number): T {
    const bytes = new Uint8Array(column.buffer, column.byteOffset, column.byteLength)
    for (let done = 0; done < bytes.length; ) {
      const read = readSync(this.#file!, bytes, done, bytes.length - done, at + done)
      if (read === 0) throw new Error('the spool file is shorter than what was written to it')
      done += read
    }
    return column
  }
}

/** Linux opens files that never have a name. Source: open(2), O_TMPFILE; Node has no constant for it. */
const O_TMPFILE = 0o20000000 | (constants.O_DIRECTORY ?? 0)

function openNameless(path: string): number {
  try {
    if (process.platform === 'linux') return openSync(dirname(path), O_TMPFILE | constants.O_RDWR, 0o600)
  } catch {
    // Not every file system can.
  }
  const file = openSync(path, 'wx+', 0o600)
  unlinkSync(path)
  return file
}

const columnsOf = (batch: Events): ColumnArray[] => [
  ...spineColumns.map((name) => batch[name]),
  ...kindNames.flatMap((kind) =>
    batch.tables[kind].list.map(({ data }) => data.subarray(0, batch.tables[kind].length) as ColumnArray),
  ),
]
