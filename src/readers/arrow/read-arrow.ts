import { type Column as ArrowColumn, type Table, tableFromIPC } from '@uwdata/flechette'
import type { z } from 'zod'
import {
  ABSENT,
  ABSENT_COMM,
  ABSENT_CONTEXT,
  ABSENT_PID,
  EventBuilder,
  type Events,
  EXCHANGE_MARK,
  exchangeColumns,
  fieldsOf,
  isOptional,
  Kind,
  type KindName,
  kindNames,
  metaOf,
  spine,
} from '#events'
import { TraceError } from '#kernel'
import type { ReadTrace, TraceSource } from '../format.ts'
import { checkIpc } from './check-ipc.ts'
import { gather, isNull, type Target, valueAt } from './gather.ts'
import { Damage, holds, type Run, runOf, WordNumbers } from './runs.ts'

const MAGIC = 'ARROW1'
const needed = ['time', 'cpu', 'event'] as const
const AGAIN = 'The file is cut short or damaged: write or copy it again.'
const NO_KIND = 0xff

interface Settings {
  readonly zero: number
  readonly resolutionNs: number
  readonly clock?: string
}

/** Reads events from Arrow, as `arrowWriter` writes them or as another program has written them again. */
export function readArrow(source: TraceSource): ReadTrace {
  const table = tableOf(source)
  const settings = settingsOf(source.name, table)
  const { resolutionNs, clock } = settings
  return {
    format: 'kreplay Arrow',
    events: eventsOf(source, columnsOf(source.name, table), settings.zero),
    tally: [],
    resolutionNs,
    ...(clock === undefined ? {} : { clock }),
  }
}

function tableOf({ name, bytes }: TraceSource): Table {
  const text = (from: number) => Buffer.from(bytes.subarray(from, from + MAGIC.length)).toString('latin1')
  const isFile = text(0) === MAGIC
  if (isFile && text(bytes.length - MAGIC.length) !== MAGIC) {
    throw new TraceError({ place: { file: name }, what: 'the Arrow file has no end', hint: AGAIN })
  }
  try {
    checkIpc(bytes, isFile)
    // Views of 64-bit numbers must begin at a multiple of eight.
    return tableFromIPC(bytes.byteOffset % 8 === 0 ? bytes : Uint8Array.from(bytes), { useBigInt: true })
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
  const clock = metadata.get('clock')
  return {
    zero: wholeNumber('zero', 0),
    resolutionNs: wholeNumber('resolutionNs', 1),
    ...(clock === undefined ? {} : { clock }),
  }
}

/** The table's columns by name: all of them ours, and of a type that can hold what is ours. */
function columnsOf(file: string, { schema, children }: Table): ReadonlyMap<string, ArrowColumn<unknown>> {
  const columns = new Map<string, ArrowColumn<unknown>>()
  schema.fields.forEach(({ name, type }, at) => {
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

/** One record batch: its columns as typed arrays, and where its rows begin among all. */
class Batch {
  readonly length: number
  readonly from: number
  readonly runs = new Map<string, Run>()
  /** By kind: the slot of its first row here, and how many rows it has. */
  readonly firstSlots = new Uint32Array(kindNames.length)
  readonly counts = new Uint32Array(kindNames.length)
  readonly #file: string

  constructor(
    file: string,
    columns: ReadonlyMap<string, ArrowColumn<unknown>>,
    at: number,
    from: number,
    words: WordNumbers,
  ) {
    this.#file = file
    this.from = from
    const run = (name: string, column: ArrowColumn<unknown>, length?: number): Run => {
      try {
        return runOf(column, at, words, length)
      } catch (error) {
        if (!(error instanceof Damage)) throw error
        throw new TraceError({ place: { file, column: name }, what: error.message, hint: AGAIN })
      }
    }
    this.length = run('time', columns.get('time')!).length
    for (const [name, column] of columns) this.runs.set(name, run(name, column, this.length))
  }

  fail(row: number, column: string, what: string): never {
    throw new TraceError({ place: { file: this.#file, column }, what: `row ${this.from + row}: ${what}` })
  }

  failType(column: string, what: string): never {
    throw new TraceError({ place: { file: this.#file, column }, what })
  }

  /** Copies a column's cells, all or those at some rows; without the column all are absent. Returns how many are not. */
  read(
    name: string,
    rows: Uint32Array | undefined,
    target: Target,
    absent: number | bigint,
    optional: boolean,
  ): number {
    const run = this.runs.get(name)
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

function eventsOf(source: TraceSource, columns: ReadonlyMap<string, ArrowColumn<unknown>>, zero: number): Events {
  const { tables, strings } = new EventBuilder()
  const words = new WordNumbers(strings)
  const batches: Batch[] = []
  let length = 0
  for (let at = 0; at < columns.get('time')!.data.length; at++) {
    const batch = new Batch(source.name, columns, at, length, words)
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
  // All kinds first, so that each table is made once and in its full size.
  const lengths = new Uint32Array(kindNames.length)
  for (const batch of batches) readKinds(batch, events, lengths)
  kindNames.forEach((kind, number) => {
    tables[kind].length = lengths[number]!
    tables[kind].trim()
  })
  for (const batch of batches) {
    readSpine(batch, events)
    readPayloads(batch, events)
    source.onProgress?.(Math.floor((source.bytes.length * (batch.from + batch.length)) / length), source.bytes.length)
  }
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
} as const satisfies Record<keyof typeof spine, number>

function readSpine(batch: Batch, events: Events): void {
  for (const [name, schema] of Object.entries(spine) as [keyof typeof spine, z.ZodType][]) {
    const target = events[name].subarray(batch.from, batch.from + batch.length)
    batch.read(name, undefined, target, spineAbsent[name], isOptional(schema))
  }
}

function readKinds(batch: Batch, { kind, slot, strings }: Events, lengths: Uint32Array): void {
  const run = batch.runs.get('event')!
  const words = run.words
  if (words === undefined) batch.failType('event', 'it holds numbers, not text')
  if (run.validity !== undefined) batch.failType('event', 'a cell is null')
  const kinds = Uint8Array.from(words, (number) => Kind[strings.get(number) as KindName] ?? NO_KIND)
  const { values } = run
  batch.firstSlots.set(lengths)
  const ownKind = kind.subarray(batch.from, batch.from + run.length)
  const ownSlot = slot.subarray(batch.from, batch.from + run.length)
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
  for (let number = 0; number < lengths.length; number++)
    batch.counts[number] = lengths[number]! - batch.firstSlots[number]!
}

function readPayloads(batch: Batch, { kind, tables }: Events): void {
  const rows = rowsByKind(batch, kind.subarray(batch.from, batch.from + batch.length))
  const placed = new Map<string, number>()
  let at = 0
  kindNames.forEach((name, number) => {
    const count = batch.counts[number]!
    if (count === 0) return
    const own = rows.subarray(at, at + count)
    at += count
    const fields = fieldsOf(name)
    const from = batch.firstSlots[number]!
    for (const column of tables[name].list) {
      const target = column.data.subarray(from, from + count)
      const present = batch.read(column.name, own, target, ABSENT[column.type], isOptional(fields[column.name]!))
      placed.set(column.name, (placed.get(column.name) ?? 0) + present)
    }
  })
  for (const [name, { length, nulls }] of batch.runs) {
    if (name in spine || name === 'event' || length - nulls === (placed.get(name) ?? 0)) continue
    batch.failType(name, 'it has values for events whose kind has no such field')
  }
}

/** The batch's rows, those of the first kind first. */
function rowsByKind({ counts }: Batch, kind: Uint8Array): Uint32Array {
  const next = new Uint32Array(counts.length)
  for (let number = 1; number < next.length; number++) next[number] = next[number - 1]! + counts[number - 1]!
  const rows = new Uint32Array(kind.length)
  for (let row = 0; row < kind.length; row++) {
    const number = kind[row]!
    const at = next[number]!
    rows[at] = row
    next[number] = at + 1
  }
  return rows
}
