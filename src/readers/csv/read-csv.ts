import { Readable } from 'node:stream'
import { CsvError, parse } from 'csv-parse'
import {
  ABSENT,
  ABSENT_COMM,
  ABSENT_CONTEXT,
  ABSENT_PID,
  type Column,
  EventBuilder,
  EXCHANGE_MARK,
  exchangeColumns,
  fieldsOf,
  Kind,
  type KindName,
  kindNames,
  spine,
} from '#events'
import { TraceError } from '#kernel'
import type { ReadTrace, TraceSource } from '../format.ts'
import { type CellReader, cellReader, TextCells } from './cells.ts'

const NEWLINE = 0x0a
const CHUNK = 1 << 20
const LONGEST_RECORD = 1 << 20
/** Rows as arrays; cells are made into numbers outside, which is many times faster than `cast`. */
const parserOptions = {
  columns: false,
  max_record_size: LONGEST_RECORD,
  relax_column_count: true,
  readableHighWaterMark: 4096,
} as const
/** Columns without which a row is no event. */
const needed = ['time', 'cpu', 'event'] as const

/** What the first line says of the whole trace. */
interface Preamble {
  readonly zero: number
  readonly resolutionNs: number
  readonly clock?: string
  /** Where the header line begins. */
  readonly from: number
  readonly lines: number
}

/** Where one field of a kind stands in a row. −1: the file has no such column. */
interface FieldPlace {
  readonly name: string
  readonly at: number
  readonly cells: CellReader
  readonly column: Column
}

/** Reads kreplay's own CSV, as `csvWriter` writes it; columns may stand in any order, and those not needed may be missing. */
export async function readCsv(source: TraceSource): Promise<ReadTrace> {
  const preamble = readPreamble(source)
  const rows = new RowReader(source.name, preamble)
  const pieces = Readable.from(piecesOf(source, preamble.from))
  const parser = pieces.pipe(parse(parserOptions))
  try {
    for await (const row of parser) rows.read(row as string[])
  } catch (error) {
    if (!(error instanceof CsvError)) throw error
    throw new TraceError({
      place: { file: source.name, line: lineAt(source.bytes, preamble.from + Number(error.bytes ?? 0)) },
      what: `not CSV: ${error.message.replace(/ (?:on|at) line .*/, '')}`,
    })
  }
  return rows.finish()
}

/**
 * The line of the cell that begins at this byte: what the parser's `bytes` says of an error. Its `lines` is where it gave up, and that
 * may be the end of the file.
 */
function lineAt(bytes: Uint8Array, byte: number): number {
  let line = 1
  for (let at = bytes.indexOf(NEWLINE); at >= 0 && at < byte; at = bytes.indexOf(NEWLINE, at + 1)) line++
  return line
}

function* piecesOf({ bytes, onProgress }: TraceSource, start: number): Generator<Buffer> {
  for (let from = start; from < bytes.length; from += CHUNK) {
    const to = Math.min(bytes.length, from + CHUNK)
    yield Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from)
    onProgress?.(to, bytes.length)
  }
}

function readPreamble({ name, bytes }: TraceSource): Preamble {
  const hasMark = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf
  const start = hasMark ? 3 : 0
  const end = bytes.indexOf(NEWLINE, start)
  const line = Buffer.from(bytes.subarray(start, end < 0 ? bytes.length : end)).toString('utf8')
  if (!line.startsWith('#')) return { zero: 0, resolutionNs: 1, from: start, lines: 0 }
  if (!line.startsWith(EXCHANGE_MARK)) {
    throw new TraceError({
      place: { file: name, line: 1 },
      what: `the first line begins with "${line.slice(0, 24)}", not with "${EXCHANGE_MARK}"`,
      hint: 'it was written by another version of kreplay, or by another program',
    })
  }
  const setting = (key: string): string | undefined => new RegExp(`\\s${key}=(\\S*)`).exec(line)?.[1]
  const wholeNumber = (key: string, least: number): number => {
    const value = Number(setting(key) || Number.NaN)
    if (Number.isSafeInteger(value) && value >= least) return value
    throw new TraceError({
      place: { file: name, line: 1 },
      what: `${key}=… is missing or no whole number from ${least}`,
    })
  }
  const clock = setting('clock')
  return {
    zero: wholeNumber('zero', 0),
    resolutionNs: wholeNumber('resolutionNs', 1),
    ...(clock === undefined ? {} : { clock: decoded(clock) }),
    from: end < 0 ? bytes.length : end + 1,
    lines: 1,
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** Where the columns that every event has stand in a row. */
type SpinePlaces = { readonly [F in keyof typeof spine | 'event']: number }

class RowReader {
  readonly #name: string
  readonly #preamble: Preamble
  readonly #builder = new EventBuilder()
  readonly #texts = new TextCells(this.#builder.strings)
  readonly #spine = Object.fromEntries(
    Object.entries(spine).map(([name, schema]) => [name, cellReader(schema, this.#texts)]),
  ) as { readonly [F in keyof typeof spine]: CellReader }
  readonly #kinds = new Map<string, readonly FieldPlace[]>()
  #header: readonly string[] = []
  #place: SpinePlaces | undefined
  #firstPayload: readonly number[] = []
  /** Last line of the row before. */
  line: number

  constructor(name: string, preamble: Preamble) {
    this.#name = name
    this.#preamble = preamble
    this.line = preamble.lines
  }

  read(row: readonly string[]): void {
    this.line++
    if (this.#place === undefined) this.#readHeader(row)
    else this.#readEvent(row, this.#place)
    for (const cell of row) if (cell.includes('\n')) this.line += cell.split('\n').length - 1
  }

  finish(): ReadTrace {
    if (this.#place === undefined) this.#failHeader('there is no header')
    const { zero, resolutionNs, clock } = this.#preamble
    this.#builder.zero = zero
    return {
      format: 'kreplay CSV',
      events: this.#builder.finish(),
      tally: [],
      resolutionNs,
      ...(clock === undefined ? {} : { clock }),
    }
  }

  #readHeader(header: readonly string[]): void {
    header.forEach((name, at) => {
      if (!exchangeColumns.includes(name)) {
        this.#failHeader(`column ${at + 1} is "${name.slice(0, 40)}"`, `expected ${this.#expected(header, at)}`)
      }
      if (header.indexOf(name) !== at) this.#failHeader(`column "${name}" stands there twice`)
    })
    for (const name of needed) if (!header.includes(name)) this.#failHeader(`there is no column "${name}"`)
    this.#header = header
    const at = (name: string) => header.indexOf(name)
    this.#place = {
      time: at('time'),
      cpu: at('cpu'),
      pid: at('pid'),
      comm: at('comm'),
      context: at('context'),
      event: at('event'),
    }
    const spinePlaces = new Set<number>(Object.values(this.#place))
    this.#firstPayload = header.map((_, place) => place).filter((place) => !spinePlaces.has(place))
    for (const kind of kindNames) this.#kinds.set(kind, this.#placesOf(kind))
  }

  /** The column that the writer puts after the one before, or any that is still missing. */
  #expected(header: readonly string[], at: number): string {
    const before = at === 0 ? -1 : exchangeColumns.indexOf(header[at - 1]!)
    const next = exchangeColumns[before + 1]
    return next === undefined ? 'no further column' : `"${next}"`
  }

  #placesOf(kind: KindName): FieldPlace[] {
    const { list } = this.#builder.tables[kind]
    return Object.entries(fieldsOf(kind)).map(([name, schema], index) => ({
      name: name,
      at: this.#header.indexOf(name),
      cells: cellReader(schema, this.#texts),
      column: list[index]!,
    }))
  }

  #readEvent(row: readonly string[], place: SpinePlaces): void {
    if (row.length !== this.#header.length) {
      this.#fail(undefined, `the row has ${row.length} cells, the header ${this.#header.length}`)
    }
    const name = row[place.event]!
    const fields = this.#kinds.get(name)
    if (fields === undefined) {
      this.#fail('event', `"${name.slice(0, 40)}" is no kind of event`, `known: ${kindNames.join(', ')}`)
    }
    const kind = name as KindName
    const { time, cpu, pid, comm, context } = this.#spine
    const at = this.#cell(row, place.time, 'time', time) ?? this.#missing('time', time)
    const on = this.#cell(row, place.cpu, 'cpu', cpu) ?? this.#missing('cpu', cpu)
    const task = this.#cell(row, place.pid, 'pid', pid) ?? ABSENT_PID
    const text = this.#cell(row, place.comm, 'comm', comm) ?? ABSENT_COMM
    const bits = this.#cell(row, place.context, 'context', context) ?? ABSENT_CONTEXT
    const slot = this.#readPayload(row, kind, fields)
    this.#builder.add(at as number, on as number, task as number, text as number, bits as number, Kind[kind], slot)
  }

  #readPayload(row: readonly string[], kind: KindName, fields: readonly FieldPlace[]): number {
    const slot = this.#builder.tables[kind].push()
    let filled = 0
    for (const { name, at, cells, column } of fields) {
      const value = this.#cell(row, at, name, cells)
      if (value !== undefined) filled++
      else if (!cells.optional) this.#missing(name, cells)
      ;(column.data as unknown as (number | bigint)[])[slot] = value ?? ABSENT[column.type]
    }
    let cellsThere = 0
    for (const at of this.#firstPayload) if (row[at] !== '') cellsThere++
    if (cellsThere !== filled) this.#failForeignCell(row, kind, fields)
    return slot
  }

  #cell(row: readonly string[], at: number, name: string, cells: CellReader): number | bigint | undefined {
    if (at < 0) return undefined
    const cell = row[at]!
    if (cell === '') return undefined
    const value = cells.read(cell)
    if (value === undefined) this.#fail(name, `"${cell.slice(0, 40)}" is not allowed`, `allowed: ${cells.allowed}`)
    return value
  }

  #missing(name: string, cells: CellReader): never {
    this.#fail(name, 'the cell is empty', `allowed: ${cells.allowed}`)
  }

  #failForeignCell(row: readonly string[], kind: KindName, fields: readonly FieldPlace[]): never {
    const own = new Set(fields.map(({ at }) => at))
    const at = this.#firstPayload.find((place) => row[place] !== '' && !own.has(place))!
    this.#fail(this.#header[at], `${kind} has no such field`, 'the cell must be empty')
  }

  #fail(column: string | undefined, what: string, hint?: string): never {
    const place = { file: this.#name, line: this.line, ...(column === undefined ? {} : { column }) }
    throw new TraceError(hint === undefined ? { place, what } : { place, what, hint })
  }

  #failHeader(what: string, expected?: string): never {
    throw new TraceError({
      place: { file: this.#name, line: Math.max(1, this.line) },
      what: `wrong CSV header: ${what}${expected === undefined ? '' : `, ${expected}`}`,
      hint: `kreplay’s columns: ${exchangeColumns.join(',')}`,
    })
  }
}
