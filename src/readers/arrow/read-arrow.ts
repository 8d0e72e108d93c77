import { type Column as ArrowColumn, type Table, tableFromIPC } from '@uwdata/flechette'
import { commonFields, EventBuilder, type Events, fieldsOf, Kind, type KindName, kindNames } from '#events'
import { ABSENT, ABSENT_COMM, ABSENT_CONTEXT, ABSENT_PID, type Column, type ColumnArray } from '#events/columns'
import { EXCHANGE_MARK, exchangeColumns, type FieldSchema, isOptional, metaOf } from '#events/exchange'
import { type Notice, Tally, TraceError } from '#kernel/messages'
import { CpuTimes, timeNotices } from '../cpu-times.ts'
import type { FetchedBytes, ReadTrace, TraceSource } from '../format.ts'
import { checkIpc } from './check-ipc.ts'
import { Damage } from './damage.ts'
import { type FileBytes, InFile, inMemory } from './file-bytes.ts'
import { gather, isNull, type Target, valueAt } from './gather.ts'
import { holds, lengthOf, type Run, runOf, WordNumbers } from './runs.ts'

const notices = {
  ...timeNotices,
  'unended-stream': {
    level: 'data-loss',
    help: 'The Arrow stream has no end mark: it may have been cut between two batches.',
  },
} as const satisfies Record<string, Notice>

const MAGIC = 'ARROW1'
const needed = ['time', 'cpu', 'event'] as const
const AGAIN = 'The file is cut short or damaged: write or copy it again.'
const NO_KIND = 0xff

type Origin = Omit<TraceSource, 'bytes'>
type Columns = ReadonlyMap<string, ArrowColumn<unknown>>

interface Settings {
  readonly zero: number
  readonly resolutionNs: number
  readonly clock?: string
  readonly uname?: string
}

/** Reads events from Arrow, as `arrowWriter` writes them or as another program has written them again. */
export function readArrow({ bytes, ...source }: TraceSource): ReadTrace {
  // Views of 64-bit numbers must begin at a multiple of eight.
  return read(source, inMemory(bytes.byteOffset % 8 === 0 ? bytes : Uint8Array.from(bytes)))
}

/** The same from a file: fetches only what its columns hold, one batch's column after the other. */
export function readArrowFile({ bytes, ...source }: Origin & { readonly bytes: FetchedBytes }): ReadTrace {
  return read(source, new InFile(bytes))
}

function read(source: Origin, file: FileBytes): ReadTrace {
  const { table, isEnded } = tableOf(source.name, file)
  const settings = settingsOf(source.name, table)
  const tally = new Tally(notices)
  if (!isEnded) tally.count('unended-stream', { file: source.name, byte: file.bytes.length })
  const { resolutionNs, clock, uname } = settings
  return {
    format: 'kreplay Arrow',
    events: eventsOf(source, file, columnsOf(source.name, table), settings.zero, tally),
    tally: tally.entries(),
    resolutionNs,
    ...(clock === undefined ? {} : { clock }),
    ...(uname === undefined ? {} : { uname }),
  }
}

function tableOf(name: string, file: FileBytes): { readonly table: Table; readonly isEnded: boolean } {
  const { bytes } = file
  const text = (from: number) => {
    const view = bytes.subarray(from, from + MAGIC.length)
    file.load(view)
    return Buffer.from(view).toString('latin1')
  }
  const isFile = text(0) === MAGIC
  if (isFile && text(bytes.length - MAGIC.length) !== MAGIC) {
    throw new TraceError({ place: { file: name }, what: 'the Arrow file has no end', hint: AGAIN })
  }
  try {
    const isEnded = checkIpc(file, isFile)
    return { table: tableFromIPC(bytes, { useBigInt: true }), isEnded }
  } catch (error) {
    const { message } = error as Error
    // What flechette says where a record batch stands before the dictionary that it uses.
    const isLate = message.includes("reading 'cache'")
    throw new TraceError({
      place: { file: name },
      what: `the Arrow file can't be read: ${isLate ? 'a dictionary stands after rows that use it' : message}`,
      hint: isLate
        ? 'Write it as a stream (polars: `write_ipc_stream`).'
        : /codec/.test(message)
          ? 'Write it with its buffers not compressed; the whole file may be in gzip or zstd.'
          : AGAIN,
    })
  }
}

function settingsOf(file: string, { schema }: Table): Settings {
  const metadata = schema.metadata ?? new Map<string, string>()
  const mark = metadata.get('kreplay')
  if (mark !== undefined && mark !== EXCHANGE_MARK.slice(2)) {
    throw new TraceError({
      place: { file },
      what: `the file's version is "${mark.slice(0, 40)}", not "${EXCHANGE_MARK.slice(2)}"`,
      hint: 'It was written by another version of kreplay.',
    })
  }
  const wholeNumber = (key: string, least: number): number => {
    const text = metadata.get(key) ?? (mark === undefined ? `${least}` : '')
    const value = Number(text)
    if (text !== '' && Number.isSafeInteger(value) && value >= least) return value
    throw new TraceError({
      place: { file },
      what: `the metadata "${key}" is missing or no whole number from ${least}`,
      hint: AGAIN,
    })
  }
  const [clock, uname] = [metadata.get('clock'), metadata.get('uname')]
  return {
    zero: wholeNumber('zero', 0),
    resolutionNs: wholeNumber('resolutionNs', 1),
    ...(clock === undefined ? {} : { clock }),
    ...(uname === undefined ? {} : { uname }),
  }
}

/** The table's columns by name: all of them ours, and of a type that can hold what is ours. */
function columnsOf(file: string, { schema, children }: Table): Columns {
  const columns = new Map<string, ArrowColumn<unknown>>()
  schema.fields.forEach(({ name: given, type }, at) => {
    // A damaged file may have a column without one.
    const name = given ?? ''
    const place = { file, column: name.slice(0, 40) }
    const hint = `kreplay’s columns: ${exchangeColumns.join(', ')}`
    if (!exchangeColumns.includes(name)) throw new TraceError({ place, what: 'kreplay has no such column', hint })
    if (columns.has(name)) throw new TraceError({ place, what: 'the column stands there twice', hint })
    if (holds(type) === undefined) {
      throw new TraceError({
        place,
        what: 'the column’s Arrow type is not one that is read',
        hint: 'Read are integers, floating-point numbers, booleans, text, and text in dictionaries.',
      })
    }
    columns.set(name, children[at] as ArrowColumn<unknown>)
  })
  for (const name of needed) {
    const column = columns.get(name)
    if (column !== undefined && holds(column.type) !== 'nothing') continue
    throw new TraceError({
      place: { file },
      what: `there is no column "${name}"${column === undefined ? '' : ' but an empty one'}`,
      hint: 'kreplay reads Arrow files of events, as `kreplay convert … .arrow` writes them.',
    })
  }
  return columns
}

/** One record batch: its columns, and where its rows begin among all. */
class Batch {
  readonly length: number
  readonly from: number
  readonly #name: string
  readonly #columns: Columns
  readonly #at: number
  readonly #file: FileBytes
  readonly #words: WordNumbers

  constructor(name: string, columns: Columns, at: number, from: number, file: FileBytes, words: WordNumbers) {
    this.#name = name
    this.#columns = columns
    this.#at = at
    this.from = from
    this.#file = file
    this.#words = words
    this.length = this.#checked('time', () => lengthOf(columns.get('time')!, at))
  }

  #checked<T>(column: string, work: () => T): T {
    try {
      return work()
    } catch (error) {
      if (!(error instanceof Damage)) throw error
      throw new TraceError({ place: { file: this.#name, column }, what: error.message, hint: AGAIN })
    }
  }

  /**
   * A column's cells, which hold until the next column is asked for; undefined where there is no such column. They are fetched into
   * `target` where it can hold them as they are.
   */
  run(name: string, target?: Target): Run | undefined {
    const column = this.#columns.get(name)
    if (column === undefined) return undefined
    return this.#checked(name, () => {
      if (lengthOf(column, this.#at) !== this.length) throw new Damage('the column is not as long as others')
      return runOf(column, this.#at, this.#file, this.#words, target)
    })
  }

  fail(row: number, column: string, what: string): never {
    throw new TraceError({ place: { file: this.#name, column }, what: `row ${this.from + row}: ${what}` })
  }

  failType(column: string, what: string): never {
    throw new TraceError({ place: { file: this.#name, column }, what })
  }

  /** Copies a run's cells, all or those at some rows; without a run all are absent. Returns how many are not. */
  read(
    name: string,
    run: Run | undefined,
    rows: Uint32Array | undefined,
    target: Target,
    absent: number | bigint,
    optional: boolean,
  ): number {
    if (run === undefined) {
      if (!optional && target.length > 0) this.fail(rows?.[0] ?? 0, name, 'the column is missing')
      target.fill(absent as never)
      return 0
    }
    if ((run.words !== undefined) !== textColumns.has(name) && run.nulls < run.length)
      this.failType(name, run.words === undefined ? 'it holds numbers, not text' : 'it holds text, not numbers')
    const { bad, nulls } = gather(run, rows, target, absent, optional)
    if (bad < 0) return target.length - nulls
    this.fail(bad, name, isNull(run.validity, bad) ? 'the cell is null' : `${valueAt(run, bad)} is not allowed`)
  }
}

function eventsOf(
  source: Origin,
  file: FileBytes,
  columns: Columns,
  zero: number,
  tally: Tally<keyof typeof notices>,
): Events {
  const { progress, tables, strings } = new EventBuilder()
  const words = new WordNumbers(strings, file)
  const batches: Batch[] = []
  let length = 0
  for (let at = 0; at < columns.get('time')!.data.length; at++) {
    const batch = new Batch(source.name, columns, at, length, file, words)
    batches.push(batch)
    length += batch.length
  }
  const events: Events = {
    length,
    time: new Float64Array(length),
    cpu: new Uint16Array(length),
    pid: new Int32Array(length),
    kind: new Uint8Array(length),
    comm: new Uint32Array(length),
    context: new Uint8Array(length),
    slot: new Uint32Array(length),
    tables,
    strings,
    zero,
  }
  const kinds = new KindRows(events)
  let sorted = true
  for (const batch of batches) {
    progress.share = () => (batch.from + batch.length) / length
    readSpine(batch, events)
    kinds.read(batch)
    sorted &&= isSorted(events.time, Math.max(1, batch.from), batch.from + batch.length)
    readPayloads(batch, events, kinds)
    source.onProgress?.(Math.floor((file.bytes.length * (batch.from + batch.length)) / length), file.bytes.length)
  }
  for (const kind of kindNames) tables[kind].trim()
  if (!sorted) for (const row of backwards(events)) tally.count('time-backwards', { file: source.name, row })
  return events
}

const textColumns = new Set([
  'comm',
  'event',
  ...kindNames.flatMap((kind) =>
    Object.entries(fieldsOf(kind)).flatMap(([name, schema]) => (metaOf(schema).column === 'text' ? [name] : [])),
  ),
])

const spineAbsent = {
  time: Number.NaN,
  cpu: ABSENT.u16,
  pid: ABSENT_PID,
  comm: ABSENT_COMM,
  context: ABSENT_CONTEXT,
} as const satisfies Record<keyof typeof commonFields, number>

function readSpine(batch: Batch, events: Events): void {
  for (const [name, schema] of Object.entries(commonFields) as [keyof typeof commonFields, FieldSchema][]) {
    const target = events[name].subarray(batch.from, batch.from + batch.length)
    batch.read(name, batch.run(name, target), undefined, target, spineAbsent[name], isOptional(schema))
  }
}

/** Whether all CPUs are in the order of time, as in most files: then each is. */
function isSorted(time: Float64Array, from: number, to: number): boolean {
  for (let row = from; row < to; row++) if (time[row]! < time[row - 1]!) return false
  return true
}

/** Rows on which time runs backwards on their CPU. */
function* backwards({ time, cpu, kind, length }: Events): Generator<number> {
  const times = new CpuTimes()
  for (let row = 0; row < length; row++) if (kind[row] !== Kind.lost && times.goBack(cpu[row]!, time[row]!)) yield row
}

/** Which rows of the batch at hand each kind has, and where in its table they come. */
class KindRows {
  readonly #events: Events
  readonly #lengths = new Uint32Array(kindNames.length)
  readonly #firstSlots = new Uint32Array(kindNames.length)
  /** The rows of the first kind, then those of the next; and where each kind's begin. */
  #rows = new Uint32Array(0)
  readonly #begins = new Uint32Array(kindNames.length)

  constructor(events: Events) {
    this.#events = events
  }

  /** The batch's rows of a kind; they hold until the next batch. */
  of(number: number): Uint32Array {
    const begin = this.#begins[number]!
    return this.#rows.subarray(begin, begin + this.#lengths[number]! - this.#firstSlots[number]!)
  }

  /** Their part of a column. */
  targetOf(number: number, data: ColumnArray): Target {
    return data.subarray(this.#firstSlots[number]!, this.#lengths[number]!)
  }

  read(batch: Batch): void {
    const { kind, slot, strings, tables } = this.#events
    const run = batch.run('event')!
    if (run.validity !== undefined) batch.failType('event', 'a cell is null')
    const { values, words, length } = run
    if (words === undefined) batch.failType('event', 'it holds numbers, not text')
    const kinds = Uint8Array.from(words, (number) => Kind[strings.get(number) as KindName] ?? NO_KIND)
    const lengths = this.#lengths
    this.#firstSlots.set(lengths)
    const ownKind = kind.subarray(batch.from, batch.from + length)
    const ownSlot = slot.subarray(batch.from, batch.from + length)
    for (let row = 0; row < ownKind.length; row++) {
      const place = values[row]! as number
      const number = kinds[place] ?? NO_KIND
      if (number === NO_KIND) {
        const name = strings.get(words[place] ?? ABSENT.text)
        batch.fail(row, 'event', name === undefined ? AGAIN : `"${name.slice(0, 40)}" is no kind of event`)
      }
      ownKind[row] = number
      ownSlot[row] = lengths[number]!
      lengths[number] = lengths[number]! + 1
    }
    for (const [number, kind] of kindNames.entries()) tables[kind].setLength(lengths[number]!)
    this.#sort(ownKind)
  }

  #sort(kind: Uint8Array): void {
    if (this.#rows.length < kind.length) this.#rows = new Uint32Array(kind.length)
    const begins = this.#begins
    let begin = 0
    for (let number = 0; number < begins.length; number++) {
      begins[number] = begin
      begin += this.#lengths[number]! - this.#firstSlots[number]!
    }
    const next = Uint32Array.from(begins)
    const rows = this.#rows
    for (let row = 0; row < kind.length; row++) {
      const number = kind[row]!
      const at = next[number]!
      rows[at] = row
      next[number] = at + 1
    }
  }
}

/** Each payload column with the kinds that have it. */
const payloads = exchangeColumns.flatMap((name) => {
  const owners = kindNames.flatMap((kind, number) => {
    const schema = fieldsOf(kind)[name]
    return schema === undefined ? [] : [{ kind, number, optional: isOptional(schema) }]
  })
  return name in commonFields || name === 'event' ? [] : [{ name, owners }]
})

function readPayloads(batch: Batch, { tables }: Events, kinds: KindRows): void {
  for (const { name, owners } of payloads) {
    const run = batch.run(name)
    let present = 0
    for (const { kind, number, optional } of owners) {
      const own = kinds.of(number)
      if (own.length === 0) continue
      const { data, type } = (tables[kind].column as Readonly<Record<string, Column>>)[name]!
      present += batch.read(name, run, own, kinds.targetOf(number, data), ABSENT[type], optional)
    }
    if (run !== undefined && run.length - run.nulls !== present)
      batch.failType(name, 'it has values for events whose kind has no such field')
  }
}
