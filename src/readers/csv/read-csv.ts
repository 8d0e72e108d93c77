import { finished } from 'node:stream/promises'
import { CsvError, type Parser, parse } from 'csv-parse'
import { commonFields, type EventBuilder, fieldsOf, Kind, type KindName, kindNames } from '#events'
import { ABSENT, ABSENT_COMM, ABSENT_CONTEXT, ABSENT_PID, type Column } from '#events/columns'
import { EXCHANGE_MARK, exchangeColumns } from '#events/exchange'
import { Tally, TraceError } from '#kernel/messages'
import { CpuTimes, timeNotices } from '../cpu-times.ts'
import type { PieceEnd, PieceReader, TraceStart } from '../format.ts'
import { type CellReader, cellReader, TextCells } from './cells.ts'

const NEWLINE = 0x0a
const notices = {
  ...timeNotices,
  'unended-line': {
    level: 'data-loss',
    help: 'The last line has no end: the file was cut there, perhaps within the last values of its last event.',
  },
} as const
const LONGEST_RECORD = 1 << 20
/** Rows as arrays; cells are made into numbers outside, which is many times faster than `cast`. */
const parserOptions = {
  columns: false,
  max_record_size: LONGEST_RECORD,
  relax_column_count: true,
} as const
/** Columns without which a row is no event. */
const needed = ['time', 'cpu', 'event'] as const

/** What the first line says of the whole trace. */
interface Preamble {
  readonly zero: number
  readonly resolutionNs: number
  readonly clock?: string
  readonly uname?: string
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
export class CsvReader implements PieceReader {
  readonly #name: string
  readonly #builder: EventBuilder
  readonly #preamble: Preamble
  readonly #rows: RowReader
  readonly #parser: Parser
  /** Of the first line and what stands before it, so many bytes are still to come. */
  #skip: number
  #lastByte = NEWLINE
  #failure: unknown
  /** Where the lines of the last pieces begin, for errors that the parser sees late. */
  readonly #places: LinePlaces

  constructor({ name, head, builder }: TraceStart) {
    this.#name = name
    this.#builder = builder
    this.#preamble = readPreamble(name, head)
    this.#skip = this.#preamble.from
    this.#rows = new RowReader(name, this.#preamble, builder)
    this.#places = new LinePlaces(this.#preamble.lines + 1)
    builder.zero = this.#preamble.zero
    this.#parser = parse({ ...parserOptions, on_record: this.#take })
    this.#parser.on('error', (error) => {
      this.#failure ??= error
    })
    // No row comes out of it, but its end.
    this.#parser.resume()
  }

  readonly #take = (row: string[]): null => {
    try {
      if (this.#failure === undefined) this.#rows.read(row)
    } catch (error) {
      this.#failure = error
    }
    return null
  }

  async push(piece: Uint8Array): Promise<void> {
    const bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.length)
    const own = bytes.subarray(Math.min(this.#skip, bytes.length))
    this.#skip -= bytes.length - own.length
    if (own.length === 0) return
    this.#lastByte = own.at(-1)!
    this.#places.add(own)
    await new Promise<void>((resolve) => {
      this.#parser.write(own, (error) => {
        this.#failure ??= error ?? undefined
        resolve()
      })
    })
    this.#check()
  }

  async end(): Promise<PieceEnd> {
    this.#parser.end()
    await finished(this.#parser).catch(() => undefined)
    this.#check()
    this.#rows.checkHeader()
    const { resolutionNs, clock, uname } = this.#preamble
    const { tally } = this.#rows
    if (this.#lastByte !== NEWLINE) tally.count('unended-line', { file: this.#name })
    return {
      format: 'kreplay CSV',
      tally: tally.entries(),
      resolutionNs,
      ...(clock === undefined ? {} : { clock }),
      ...(uname === undefined ? {} : { uname }),
    }
  }

  #check(): void {
    const error = this.#failure
    if (error === undefined) {
      if (this.#builder.renewStrings()) this.#rows.forgetTexts()
      return
    }
    if (!(error instanceof CsvError)) throw error
    throw new TraceError({
      place: { file: this.#name, line: this.#places.lineAt(Number(error.bytes ?? 0)) },
      what: `not CSV: ${error.message.replace(/ (?:on|at) line .*/, '')}`,
    })
  }
}

/**
 * The line of the cell that begins at a byte: what the parser's `bytes` says of an error. Its `lines` is where it gave up, and that
 * may be much later. Cells are no longer than a record, so a few pieces are remembered.
 */
class LinePlaces {
  /** Of the lines that begin in the last pieces, where; the first number is that of the first. */
  #first: number
  #begins: number[] = [0]
  #length = 0

  constructor(first: number) {
    this.#first = first
  }

  add(piece: Buffer): void {
    const far = this.#length - 2 * LONGEST_RECORD
    const old = this.#begins.findIndex((begin) => begin >= far)
    if (old > 0) {
      this.#first += old
      this.#begins = this.#begins.slice(old)
    }
    for (let at = piece.indexOf(NEWLINE); at >= 0; at = piece.indexOf(NEWLINE, at + 1))
      this.#begins.push(this.#length + at + 1)
    this.#length += piece.length
  }

  lineAt(byte: number): number {
    const after = this.#begins.findIndex((begin) => begin > byte)
    return this.#first + (after < 0 ? this.#begins.length : after) - 1
  }
}

function readPreamble(name: string, head: Uint8Array): Preamble {
  const hasMark = head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf
  const start = hasMark ? 3 : 0
  const end = head.indexOf(NEWLINE, start)
  const line = Buffer.from(head.subarray(start, end < 0 ? head.length : end)).toString('utf8')
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
  const [clock, uname] = [setting('clock'), setting('uname')]
  return {
    zero: wholeNumber('zero', 0),
    resolutionNs: wholeNumber('resolutionNs', 1),
    ...(clock === undefined ? {} : { clock: decoded(clock) }),
    ...(uname === undefined ? {} : { uname: decoded(uname) }),
    from: end < 0 ? head.length : end + 1,
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
type SpinePlaces = { readonly [F in keyof typeof commonFields | 'event']: number }

class RowReader {
  readonly #name: string
  readonly #builder: EventBuilder
  readonly #texts: TextCells
  readonly #spine: { readonly [F in keyof typeof commonFields]: CellReader }
  readonly #kinds = new Map<string, readonly FieldPlace[]>()
  readonly #times = new CpuTimes()
  readonly tally = new Tally(notices)
  #header: readonly string[] = []
  #place: SpinePlaces | undefined
  #firstPayload: readonly number[] = []
  /** Last line of the row before. */
  line: number

  constructor(name: string, { lines }: Preamble, builder: EventBuilder) {
    this.#name = name
    this.#builder = builder
    this.line = lines
    this.#texts = new TextCells(builder)
    const readers = Object.entries(commonFields).map(([name, schema]) => [name, cellReader(schema, this.#texts)])
    this.#spine = Object.fromEntries(readers)
  }

  /** Texts have other numbers from now on. */
  forgetTexts(): void {
    this.#texts.forget()
  }

  read(row: readonly string[]): void {
    this.line++
    if (this.#place === undefined) this.#readHeader(row)
    else this.#readEvent(row, this.#place)
    for (const cell of row) if (cell.includes('\n')) this.line += cell.split('\n').length - 1
  }

  /** At the end of the file. */
  checkHeader(): void {
    if (this.#place === undefined) this.#failHeader('there is no header')
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
    if (kind !== 'lost' && this.#times.goBack(on as number, at as number))
      this.tally.count('time-backwards', { file: this.#name, line: this.line })
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
      column.set(slot, value ?? ABSENT[column.type])
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
