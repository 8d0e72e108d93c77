import { type ColumnType, type FieldSchema, metaOf } from '../exchange/fields.ts'
import { type FieldName, fieldsOf, type KindName, kindNames, type StorageOf } from '../kinds.ts'

/** The array that holds a column of each type. */
interface Arrays {
  u8: Uint8Array
  flag: Uint8Array
  u16: Uint16Array
  u32: Uint32Array
  text: Uint32Array
  i32: Int32Array
  u64: BigUint64Array
  f64: Float64Array
}

export type ArrayOf<T extends ColumnType> = Arrays[T]
export type ColumnArray = ArrayOf<ColumnType>

const arrays = {
  u8: Uint8Array,
  flag: Uint8Array,
  u16: Uint16Array,
  u32: Uint32Array,
  text: Uint32Array,
  i32: Int32Array,
  u64: BigUint64Array,
  f64: Float64Array,
} as const satisfies { [T in ColumnType]: new (rows: number) => Arrays[T] }

/** Of most kinds a trace has no event: their columns share these. */
const empty = Object.fromEntries(Object.entries(arrays).map(([type, Cells]) => [type, new Cells(0)])) as Record<
  string,
  unknown
> as Readonly<Arrays>

/** What an absent value is stored as. */
export const ABSENT = {
  u8: 0xff,
  flag: 0xff,
  u16: 0xffff,
  u32: 0xffffffff,
  text: 0xffffffff,
  i32: -0x80000000,
  u64: 0xffff_ffff_ffff_ffffn,
  f64: -(2 ** 53),
} as const satisfies Record<ColumnType, number | bigint>

/** Stored in `Events.pid`, `.comm` and `.context` where the format has no such field. */
export const ABSENT_PID = -0x80000000
export const ABSENT_COMM = 0xffffffff
export const ABSENT_CONTEXT = 0xff

/** Which half of a 64-bit number comes first here. */
const LOW = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1 ? 0 : 1

/** Columns of which so much is filled are not copied when they are done. */
const WORTH_KEEPING = 0.85

/** How much of a trace is read, from 0 (not known) to 1: by it columns grow to what they will need, not to twice what they have. */
export interface Progress {
  share: () => number
}

/** For traces of which nobody knows how long they are. */
export const unknownProgress = (): Progress => ({ share: () => 0 })

/** Rows to make room for where `length` are there. */
export function roomFor(length: number, progress: Progress): number {
  if (length < 4096) return Math.max(256, length * 4)
  const share = progress.share()
  return share === 0 ? length * 2 : Math.ceil(Math.min(length * 64, Math.max(length * 1.2, (length / share) * 1.05)))
}

/**
 * A column in a larger or smaller room, beyond what it held filled with zeros. The old one is empty after that: its memory is freed
 * at once, and not when the garbage collector is made to look for it.
 */
export function moved<T extends ColumnArray>(column: T, capacity: number): T {
  const Same = column.constructor as new (room: ArrayBuffer | number) => T
  return column.length === 0
    ? new Same(capacity)
    : new Same((column.buffer as ArrayBuffer).transfer(capacity * column.BYTES_PER_ELEMENT))
}

/** The filled part of a column that is done: a little room left over is not worth a copy. */
export const filled = <T extends ColumnArray>(column: T, length: number): T =>
  length === column.length
    ? column
    : length < column.length * WORTH_KEEPING
      ? moved(column, length)
      : (column.subarray(0, length) as T)

/** One growing column of one kind. `data` changes when it grows: never keep it across a push. */
export class Column<T extends ColumnType = ColumnType> {
  readonly name: string
  readonly type: T
  readonly schema: FieldSchema
  data: ArrayOf<T>
  #halves: Uint32Array = empty.u32

  constructor(name: string, schema: FieldSchema, type: T) {
    this.name = name
    this.schema = schema
    this.type = type
    this.data = empty[type]
  }

  /** Writes a value as it is stored. A bigint belongs in a `u64` column, a number in any other. */
  set(slot: number, value: number | bigint): void {
    const data: ColumnArray = this.data
    if (data instanceof BigUint64Array) data[slot] = BigInt(value)
    else data[slot] = Number(value)
  }

  /** Ends growing. */
  trim(length: number): void {
    this.data = filled(this.data, length)
  }

  grow(capacity: number): void {
    this.data = moved(this.data, capacity)
    if (this.type === 'u64') this.#halves = new Uint32Array(this.data.buffer as ArrayBuffer)
  }

  /** Writes a value of a `u64` column by its halves, with no bigint made for it. */
  setHalves(slot: number, high: number, low: number): void {
    this.#halves[slot * 2 + LOW] = low
    this.#halves[slot * 2 + 1 - LOW] = high
  }
}

/** A column of a type that is not known beforehand: `type` tells which array `data` is. */
export type AnyColumn = { readonly [T in ColumnType]: Column<T> }[ColumnType]

function columnOf(name: string, schema: FieldSchema): AnyColumn {
  const { column } = metaOf(schema)
  return new Column(name, schema, column) as AnyColumn
}

/** The payload columns of one kind. Row `slot` of the table belongs to the event with that `Events.slot`. */
export class KindTable<K extends KindName = KindName> {
  readonly kind: K
  readonly list: readonly AnyColumn[]
  readonly column: { readonly [F in FieldName<K>]: Column<StorageOf<K, F>> }
  /** Where a row’s recorded name stands, for kinds that have more than one. */
  readonly names: Column<'text'> | undefined
  length = 0
  #capacity = 0
  readonly #progress: Progress

  constructor(kind: K, progress = unknownProgress(), rows?: KindTable<K>) {
    this.kind = kind
    this.#progress = progress
    this.list = Object.entries(fieldsOf(kind)).map(([name, schema]) => columnOf(name, schema))
    const names = this.list.find(({ name }) => name === (kind === 'other' ? 'name' : 'recordedAs'))
    this.names = names?.type === 'text' ? names : undefined
    this.column = Object.fromEntries(this.list.map((column) => [column.name, column])) as typeof this.column
    if (rows === undefined || rows.length === 0) return
    this.length = rows.length
    this.list.forEach((column, at) => {
      column.data = rows.list[at]!.data.slice(0, rows.length)
    })
    this.trim()
  }

  /** Makes room for one more row and returns its slot. Its values are undefined until the caller writes them. */
  push(): number {
    if (this.length === this.#capacity) {
      this.#capacity = roomFor(this.length, this.#progress)
      for (const column of this.list) column.grow(this.#capacity)
    }
    return this.length++
  }

  /** Has so many rows from now on: those that are new have values yet to be written. */
  setLength(rows: number): void {
    this.length = rows
    if (rows <= this.#capacity) return
    const share = this.#progress.share()
    this.#capacity = share === 0 || share === 1 ? rows : Math.ceil((rows / share) * 1.05)
    for (const column of this.list) column.grow(this.#capacity)
  }

  trim(): void {
    this.#capacity = this.length
    for (const column of this.list) column.trim(this.length)
  }

  /** Its rows as a table of their own. What is left is empty, and keeps its room for the next rows. */
  take(): KindTable<K> {
    const taken = new KindTable(this.kind, undefined, this)
    this.length = 0
    return taken
  }
}

export type Tables = { readonly [K in KindName]: KindTable<K> }

export const newTables = (progress?: Progress): Tables =>
  Object.fromEntries(kindNames.map((kind) => [kind, new KindTable(kind, progress)])) as unknown as Tables

/** The rows of all kinds as tables of their own. */
export const takeTables = (tables: Tables): Tables =>
  Object.fromEntries(kindNames.map((kind) => [kind, tables[kind].take()])) as unknown as Tables

/** A text that is made when it is asked for. */
export interface LateText {
  make(): string
}

/** Strings by number, each once. */
export class Dictionary {
  readonly #numbers = new Map<string, number>()
  readonly #strings: (string | LateText)[] = []

  /** The number of a string, new or known. */
  add(text: string): number {
    let number = this.#numbers.get(text)
    if (number === undefined) {
      number = this.#strings.length
      this.#numbers.set(text, number)
      this.#strings.push(text)
    }
    return number
  }

  /** The number of a text that few will ask for. The caller knows that it is new: it is not looked for, nor found by `add` or `find`. */
  addLate(text: LateText): number {
    return this.#strings.push(text) - 1
  }

  find(text: string): number | undefined {
    return this.#numbers.get(text)
  }

  get(number: number): string | undefined {
    const text = this.#strings[number]
    if (text === undefined || typeof text === 'string') return text
    const made = text.make()
    this.#strings[number] = made
    return made
  }

  get size(): number {
    return this.#strings.length
  }
}
