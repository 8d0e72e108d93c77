import { type commonFields, type Events, fieldsOf, kindNames } from '#events'
import { ABSENT, ABSENT_COMM, ABSENT_CONTEXT, ABSENT_PID, type ColumnArray, Dictionary } from '#events/columns'
import { isSpine, type WideColumn, type WideType, wideColumns } from './wide-columns.ts'
import { Words } from './words.ts'

/**
 * Events as one wide table, one row an event, for formats with typed columns. A payload column is null where the event's kind has
 * no such field. Columns are those of CSV; those of kinds that a recording lacks are left out.
 */

type WideValues =
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | BigUint64Array

/** A column's cells in one run of rows. Flags are 0 or 1, texts are places in the column's dictionary. */
export interface WideCells {
  readonly values: WideValues
  /** The dictionary of this run, where the column has none for all. */
  readonly words?: readonly string[]
  /** A bit a row, lowest first, 1 where there is a value; what `values` holds elsewhere is 0. */
  readonly validity: Uint8Array
  readonly nulls: number
}

/** Whether a row has a value. */
export const isThere = ({ validity }: WideCells, row: number): boolean =>
  ((validity[row >>> 3]! >>> (row & 7)) & 1) === 1

/** Above it the words of a text column are too many to be listed, and each is written where it stands. */
const MOST_WORDS = 1 << 16

/** The names of the kinds, so that the column `event` is a text column like the others. */
const kindStrings = new Dictionary()
for (const kind of kindNames) kindStrings.add(kind)

type NumberArray = Exclude<ColumnArray, BigUint64Array>

const PAIRED = new Set<WideType>(['int64', 'uint64'])

class Cells implements WideCells {
  readonly values: WideValues
  readonly validity: Uint8Array
  readonly words?: readonly string[]
  readonly #rows: number
  /** 64-bit values by halves: a bigint for each would cost ten times as much. */
  readonly #halves: Uint32Array
  #filled = 0

  constructor({ type }: WideColumn, rows: number, words: Words | undefined, ofRun: boolean) {
    if (words !== undefined && ofRun) this.words = words.list
    this.values = newValues(type, rows, words?.list.length ?? 0)
    this.validity = new Uint8Array((rows + 7) >>> 3)
    this.#halves = PAIRED.has(type) ? new Uint32Array(this.values.buffer) : new Uint32Array(0)
    this.#rows = rows
  }

  get nulls(): number {
    return this.#rows - this.#filled
  }

  /** `data[from[i]]` goes to row `to[i]`. */
  fill({ data, absent, from, to }: Values, words?: Words): void {
    if (data instanceof BigUint64Array) this.#fillAddresses(data, from, to)
    else if (words !== undefined) this.#fillPlaces(data, absent, words.places, from, to)
    else if (this.#halves.length > 0) this.#fillWide(data, absent, from, to)
    else this.#fillSame(data, absent, from, to)
  }

  #fillSame(data: NumberArray, absent: number, from: Uint32Array, to: Uint32Array): void {
    const { validity } = this
    const values = this.values as Uint32Array
    let filled = 0
    for (let at = 0; at < to.length; at++) {
      const value = data[from[at]!]!
      if (value === absent) continue
      const row = to[at]!
      values[row] = value
      validity[row >>> 3]! |= 1 << (row & 7)
      filled++
    }
    this.#filled += filled
  }

  #fillWide(data: NumberArray, absent: number, from: Uint32Array, to: Uint32Array): void {
    const { validity } = this
    const halves = this.#halves
    let filled = 0
    for (let at = 0; at < to.length; at++) {
      const value = data[from[at]!]!
      if (value === absent) continue
      const row = to[at]!
      halves[2 * row] = value
      halves[2 * row + 1] = Math.floor(value / 2 ** 32)
      validity[row >>> 3]! |= 1 << (row & 7)
      filled++
    }
    this.#filled += filled
  }

  #fillAddresses(data: BigUint64Array, from: Uint32Array, to: Uint32Array): void {
    const { validity } = this
    const halves = this.#halves
    const source = new Uint32Array(data.buffer, data.byteOffset, data.length * 2)
    const [absentLow, absentHigh] = [Number(ABSENT.u64 & 0xffff_ffffn), Number(ABSENT.u64 >> 32n)]
    let filled = 0
    for (let at = 0; at < to.length; at++) {
      const slot = from[at]! * 2
      const low = source[slot]!
      const high = source[slot + 1]!
      if (low === absentLow && high === absentHigh) continue
      const row = to[at]!
      halves[2 * row] = low
      halves[2 * row + 1] = high
      validity[row >>> 3]! |= 1 << (row & 7)
      filled++
    }
    this.#filled += filled
  }

  #fillPlaces(data: NumberArray, absent: number, places: Int32Array, from: Uint32Array, to: Uint32Array): void {
    const { validity } = this
    const values = this.values as Int32Array
    let filled = 0
    for (let at = 0; at < to.length; at++) {
      const number = data[from[at]!]!
      if (number === absent) continue
      const row = to[at]!
      values[row] = places[number]!
      validity[row >>> 3]! |= 1 << (row & 7)
      filled++
    }
    this.#filled += filled
  }
}

function newValues(type: WideType, rows: number, words: number): WideValues {
  switch (type) {
    case 'bool':
    case 'uint8':
      return new Uint8Array(rows)
    case 'uint16':
      return new Uint16Array(rows)
    case 'uint32':
      return new Uint32Array(rows)
    case 'int32':
      return new Int32Array(rows)
    case 'int64':
      return new BigInt64Array(rows)
    case 'uint64':
      return new BigUint64Array(rows)
    case 'text':
      // One number stays free, since arquero makes of null one word more.
      return words <= 0x7f ? new Int8Array(rows) : words <= 0x7fff ? new Int16Array(rows) : new Int32Array(rows)
  }
}

/** Where a wide column's values come from: the field of that name in each kind that has it. */
interface Source {
  readonly kind: number
  /** Place of the field's column in the kind's table. */
  readonly field: number
}

/** Values of a run: `data[from[i]]` stands in row `to[i]`. */
interface Values {
  readonly data: ColumnArray
  /** Where the column holds numbers; addresses have an absent value of their own. */
  readonly absent: number
  readonly from: Uint32Array
  readonly to: Uint32Array
}

/** A run of rows of one batch, and which of them are of which kind. */
interface Run {
  readonly batch: Events
  readonly rows: number
  readonly all: Uint32Array
  readonly here: Uint32Array
  readonly kinds: Uint32Array
  readonly byKind: readonly Uint32Array[]
  readonly slots: readonly Uint32Array[]
}

export class WideTable {
  readonly columns: readonly WideColumn[]
  /** The dictionary of each text column; absent where the words are too many. */
  readonly words: ReadonlyMap<string, readonly string[]>
  readonly #batches: Iterable<Events>
  readonly #words: ReadonlyMap<string, Words>
  /** Those of one run at a time, of columns that have too many. */
  readonly #wordsOfRun = new Words(Number.POSITIVE_INFINITY)
  readonly #sources: ReadonlyMap<string, readonly Source[]>

  /** Walks the batches once, to see which kinds and which words they hold. */
  constructor(batches: Iterable<Events>) {
    this.#batches = batches
    const { kinds, words } = survey(batches)
    this.#sources = sourcesOf(kinds)
    this.columns = wideColumns.filter(({ name }) => isSpine(name) || name === 'event' || this.#sources.has(name))
    this.#words = words
    this.words = new Map([...words].flatMap(([name, { list, isMany }]) => (isMany ? [] : [[name, list]])))
  }

  /** The cells of all columns, in runs of at most so many rows. */
  *chunks(rowsEach: number): Generator<{ readonly rows: number; readonly cells: readonly WideCells[] }> {
    for (const batch of this.#batches) {
      for (let from = 0; from < batch.length; from += rowsEach) {
        const rows = Math.min(rowsEach, batch.length - from)
        const run = runOf(batch, from, rows)
        yield { rows, cells: this.columns.map((column) => this.#cells(column, run)) }
      }
    }
  }

  #cells(column: WideColumn, run: Run): WideCells {
    const values = valuesOf(column.name, run, this.#sources)
    const words = column.type === 'text' ? this.#wordsFor(column.name, values, run.batch) : undefined
    const cells = new Cells(column, run.rows, words, words !== this.#words.get(column.name))
    for (const one of values) cells.fill(one, words)
    return cells
  }

  /** The words of the whole column, or those of the run where they are too many. */
  #wordsFor(name: string, values: readonly Values[], { strings }: Events): Words {
    const whole = this.#words.get(name)!
    const words = whole.isMany ? this.#wordsOfRun : whole
    if (whole.isMany) words.clear()
    words.use(name === 'event' ? kindStrings : strings)
    for (const { data, absent, from } of values) {
      for (let at = 0; at < from.length; at++) {
        const number = Number(data[from[at]!])
        if (number !== absent) words.add(number)
      }
    }
    return words
  }
}

function runOf(batch: Events, first: number, rows: number): Run {
  const { kind, slot } = batch
  const all = new Uint32Array(rows)
  const here = new Uint32Array(rows)
  for (let row = 0; row < rows; row++) {
    all[row] = row
    here[row] = row + first
  }
  const kinds = new Uint32Array(kind.subarray(first, first + rows))
  const byKind = rowsByKind(kind.subarray(first, first + rows))
  const slots = byKind.map((to) => to.map((row) => slot[row + first]!))
  return { batch, rows, all, here, kinds, byKind, slots }
}

function valuesOf(name: string, run: Run, sources: ReadonlyMap<string, readonly Source[]>): Values[] {
  const { batch, all, here, kinds, byKind, slots } = run
  if (isSpine(name)) return [{ ...spineData(batch, name), from: here, to: all }]
  if (name === 'event') return [{ data: kinds, absent: -1, from: all, to: all }]
  return sources.get(name)!.map(({ kind, field }) => {
    const { data, type } = batch.tables[kindNames[kind]!].list[field]!
    return { data, absent: Number(ABSENT[type]), from: slots[kind]!, to: byKind[kind]! }
  })
}

/** Which kinds have a field of each name. */
function sourcesOf(kinds: readonly number[]): Map<string, Source[]> {
  const sources = new Map<string, Source[]>()
  for (const kind of kinds) {
    Object.keys(fieldsOf(kindNames[kind]!)).forEach((name, field) => {
      const list = sources.get(name)
      if (list === undefined) sources.set(name, [{ kind, field }])
      else list.push({ kind, field })
    })
  }
  return sources
}

function spineData(events: Events, name: keyof typeof commonFields): { data: NumberArray; absent: number } {
  switch (name) {
    case 'time':
      return { data: events.time, absent: Number.NaN }
    case 'cpu':
      return { data: events.cpu, absent: -1 }
    case 'pid':
      return { data: events.pid, absent: ABSENT_PID }
    case 'comm':
      return { data: events.comm, absent: ABSENT_COMM }
    case 'context':
      return { data: events.context, absent: ABSENT_CONTEXT }
  }
}

function rowsByKind(kind: Uint8Array): Uint32Array[] {
  const counts = new Uint32Array(kindNames.length)
  for (let row = 0; row < kind.length; row++) counts[kind[row]!]!++
  const rows = Array.from(counts, (count) => new Uint32Array(count))
  counts.fill(0)
  for (let row = 0; row < kind.length; row++) {
    const number = kind[row]!
    rows[number]![counts[number]!++] = row
  }
  return rows
}

/** The kinds that there are, and the words that the rows use: what a filter left out is not in the file. */
function survey(batches: Iterable<Events>): { kinds: number[]; words: Map<string, Words> } {
  const seen = new Uint8Array(kindNames.length)
  const words = new Map(
    wideColumns.flatMap(({ name, type }) => (type === 'text' ? [[name, new Words(MOST_WORDS)] as const] : [])),
  )
  const [comms, names] = [words.get('comm')!, words.get('event')!]
  names.use(kindStrings)
  for (const { comm, kind, slot, length, strings, tables } of batches) {
    for (const [name, own] of words) if (name !== 'event') own.use(strings)
    const byKind = kindNames.map((name) =>
      tables[name].list.flatMap((column) =>
        column.type === 'text' ? [[words.get(column.name)!, column.data] as const] : [],
      ),
    )
    for (let row = 0; row < length; row++) {
      const number = kind[row]!
      seen[number] = 1
      names.add(number)
      if (comm[row]! !== ABSENT_COMM) comms.add(comm[row]!)
      for (const [own, data] of byKind[number]!) {
        const text = data[slot[row]!]!
        if (text !== ABSENT.text) own.add(text)
      }
    }
  }
  return { kinds: [...seen.keys()].filter((number) => seen[number] === 1), words }
}
