import { percentiles, quantile } from '#kernel/numbers'
/** Sums by key: one row a key, one column a field. Rows stay where they are, so a loop may hold their numbers. */
export class Sums<F extends string, K extends number | string = number> {
  readonly keys: K[] = []
  readonly column: Readonly<Record<F, number[]>>
  readonly #fields: readonly F[]
  readonly #rows = new Map<K, number>()
  /** Keys come in runs. */
  #lastKey: K | undefined
  #lastRow = -1

  constructor(fields: readonly F[]) {
    this.#fields = fields
    this.column = Object.fromEntries(fields.map((field) => [field, [] as number[]])) as Record<F, number[]>
  }

  /** The row of a key, new or known. */
  row(key: K): number {
    if (key === this.#lastKey) return this.#lastRow
    let row = this.#rows.get(key)
    this.#lastKey = key
    if (row === undefined) {
      row = this.keys.length
      this.#rows.set(key, row)
      this.keys.push(key)
      for (const field of this.#fields) this.column[field].push(0)
    }
    this.#lastRow = row
    return row
  }

  add(field: F, key: K, amount = 1): void {
    this.column[field][this.row(key)]! += amount
  }

  /** All rows as objects; `name` makes of a key what the row is called. */
  list<N extends object>(name: (key: K) => N): (N & Record<F, number>)[] {
    return this.keys.map((key, row) => ({
      ...name(key),
      ...(Object.fromEntries(this.#fields.map((field) => [field, this.column[field][row]!])) as Record<F, number>),
    }))
  }
}

/** Sorts so that what is most comes first; equals stay in the order in which they came. */
export const mostFirst = <T>(rows: T[], ...of: ((row: T) => number)[]): T[] =>
  rows.sort((a, b) => {
    for (const value of of) {
      const difference = value(b) - value(a)
      if (difference !== 0) return difference
    }
    return 0
  })

export interface Spread {
  readonly count: number
  readonly total: number
  readonly min: number
  /** Absent below 20 values. */
  readonly p50?: number
  readonly p99?: number
  readonly max: number
}

/** Undefined where nothing happened. A quantile is a value that occurred: the nearest rank. */
export function spreadOf(values: ArrayLike<number>): Spread | undefined {
  if (values.length === 0) return undefined
  const sorted = Float64Array.from(values).sort()
  const at = (share: number): number => quantile(sorted, share)!
  let total = 0
  for (const value of sorted) total += value
  return {
    count: sorted.length,
    total,
    min: at(0),
    ...percentiles(sorted.length, () => ({ p50: at(0.5), p99: at(0.99) })),
    max: at(1),
  }
}
