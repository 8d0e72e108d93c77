import { ABSENT, type AnyColumn, type KindTable } from '#events/columns'
import type { ColumnType } from '#events/exchange'
import type { Values } from './values.ts'

/** Columns of some types, and for each the field that it takes its value from. */
interface Group<T extends ColumnType> {
  readonly columns: readonly Extract<AnyColumn, { readonly type: T }>[]
  readonly from: Uint8Array
}

/** Absent values; of the 64-bit one the low half, its high half is the same. */
const absentLow: Readonly<Record<ColumnType, number>> = { ...ABSENT, u64: Number(ABSENT.u64 & 0xffffffffn) }

/** Writes the values of payloads as rows of one table. Each type of array has a loop of its own: one for all is several times slower. */
export class Rows {
  readonly #table: KindTable
  readonly #u32: Group<'u32' | 'text'>
  readonly #u8: Group<'u8' | 'flag'>
  readonly #i32: Group<'i32'>
  readonly #u64: Group<'u64'>
  readonly #rest: Group<'u16' | 'f64'>

  /** `from`: the field that each column takes its value from. */
  constructor(table: KindTable, from: readonly number[]) {
    this.#table = table
    const group = <T extends ColumnType>(...types: readonly T[]): Group<T> => {
      const isOne = (column: AnyColumn): column is Extract<AnyColumn, { readonly type: T }> =>
        types.some((type) => type === column.type)
      const columns = table.list.filter(isOne)
      return { columns, from: Uint8Array.from(columns, (column) => from[table.list.indexOf(column)]!) }
    }
    this.#u32 = group('u32', 'text')
    this.#u8 = group('u8', 'flag')
    this.#i32 = group('i32')
    this.#u64 = group('u64')
    this.#rest = group('u16', 'f64')
  }

  /** Returns the new row's slot. */
  push({ found, lows, highs }: Values): number {
    const slot = this.#table.push()
    const u32 = this.#u32
    const u8 = this.#u8
    const i32 = this.#i32
    const u64 = this.#u64
    const rest = this.#rest
    for (let i = 0; i < u32.columns.length; i++) {
      const from = u32.from[i]!
      u32.columns[i]!.data[slot] = found[from] === 1 ? lows[from]! : ABSENT.u32
    }
    for (let i = 0; i < u8.columns.length; i++) {
      const from = u8.from[i]!
      u8.columns[i]!.data[slot] = found[from] === 1 ? lows[from]! : ABSENT.u8
    }
    for (let i = 0; i < i32.columns.length; i++) {
      const from = i32.from[i]!
      i32.columns[i]!.data[slot] = found[from] === 1 ? lows[from]! : ABSENT.i32
    }
    for (let i = 0; i < u64.columns.length; i++) {
      const from = u64.from[i]!
      if (found[from] === 1) u64.columns[i]!.setHalves(slot, highs[from]!, lows[from]!)
      else u64.columns[i]!.setHalves(slot, 0xffffffff, absentLow.u64)
    }
    for (let i = 0; i < rest.columns.length; i++) {
      const from = rest.from[i]!
      const column = rest.columns[i]!
      column.data[slot] = found[from] === 1 ? lows[from]! : absentLow[column.type]
    }
    return slot
  }
}
