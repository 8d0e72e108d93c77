import type { z } from 'zod'
import { type ColumnType, metaOf } from './fields.ts'
import { type FieldName, fieldsOf, type KindName, kindNames } from './kinds.ts'

export type ColumnArray = Uint8Array | Uint16Array | Uint32Array | Int32Array | BigUint64Array | Float64Array

const arrays = {
  u8: Uint8Array,
  flag: Uint8Array,
  u16: Uint16Array,
  u32: Uint32Array,
  text: Uint32Array,
  i32: Int32Array,
  u64: BigUint64Array,
  f64: Float64Array,
} as const satisfies Record<ColumnType, unknown>

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

/** One growing column of one kind. `data` changes when it grows: never keep it across a push. */
export class Column {
  readonly name: string
  readonly type: ColumnType
  readonly schema: z.ZodType
  data: ColumnArray
  #halves = new Uint32Array(0)

  constructor(name: string, schema: z.ZodType) {
    this.name = name
    this.schema = schema
    this.type = metaOf(schema).column
    this.data = new arrays[this.type](0)
  }

  resize(capacity: number): void {
    const grown = new arrays[this.type](capacity)
    // Growing keeps all; trimming keeps the head.
    if (capacity >= this.data.length) (grown as Uint8Array).set(this.data as Uint8Array)
    else (grown as Uint8Array).set(this.data.subarray(0, capacity) as Uint8Array)
    this.data = grown
    if (this.type === 'u64') this.#halves = new Uint32Array(grown.buffer as ArrayBuffer)
  }

  /** Writes a value of a `u64` column by its halves, with no bigint made for it. */
  setHalves(slot: number, high: number, low: number): void {
    this.#halves[slot * 2 + LOW] = low
    this.#halves[slot * 2 + 1 - LOW] = high
  }
}

/** The payload columns of one kind. Row `slot` of the table belongs to the event with that `Events.slot`. */
export class KindTable<K extends KindName = KindName> {
  readonly kind: K
  readonly list: readonly Column[]
  readonly column: { readonly [F in FieldName<K>]: Column }
  length = 0
  #capacity = 0

  constructor(kind: K) {
    this.kind = kind
    this.list = Object.entries(fieldsOf(kind)).map(([name, schema]) => new Column(name, schema))
    this.column = Object.fromEntries(this.list.map((column) => [column.name, column])) as typeof this.column
  }

  /** Makes room for one more row and returns its slot. Its values are undefined until the caller writes them. */
  push(): number {
    if (this.length === this.#capacity) {
      this.#capacity = Math.max(256, this.#capacity * 2)
      for (const column of this.list) column.resize(this.#capacity)
    }
    return this.length++
  }

  trim(): void {
    this.#capacity = this.length
    for (const column of this.list) column.resize(this.length)
  }
}

export type Tables = { readonly [K in KindName]: KindTable<K> }

export const newTables = (): Tables =>
  Object.fromEntries(kindNames.map((kind) => [kind, new KindTable(kind)])) as unknown as Tables

/** Strings by number, each once. */
export class Dictionary {
  readonly #numbers = new Map<string, number>()
  readonly #strings: string[] = []

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

  find(text: string): number | undefined {
    return this.#numbers.get(text)
  }

  get(number: number): string | undefined {
    return this.#strings[number]
  }

  get size(): number {
    return this.#strings.length
  }
}
