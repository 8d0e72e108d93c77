import type { VerdictId } from '#metrics'
import type { Better } from '../sections/section.ts'

/** One question of a comparison, answered once for each policy. */
export interface MatrixColumn {
  readonly id: string
  readonly title: string
  /** Two or three words for the head. */
  readonly short: string
  readonly kind: 'count' | 'ns' | 'bytes' | 'share'
  readonly unit?: string
  readonly better?: Better
  readonly help: string
  /** The section of the report that has the details. */
  readonly section: string
  /** What a reader must know before any of its values, in a sentence. */
  readonly note?: string
  /** How far the replay of the recording kernel’s own policy is from the record; absent where nothing checks it. */
  readonly error?: number
}

export interface MatrixCell {
  readonly value: number | undefined
  /** Of the difference from the baseline; absent in the rows of the record and of the baseline. */
  readonly verdict?: VerdictId
  readonly because?: readonly string[]
  readonly baseline?: number
}

export interface MatrixRow {
  readonly name: string
  /** `bound`: policies are measured by it, and nobody could choose it. */
  readonly role: 'recorded' | 'baseline' | 'policy' | 'bound'
  readonly cells: readonly MatrixCell[]
}

/** Rows: the record where there is one, the baseline, the other policies. */
export interface Matrix {
  readonly capture: string
  readonly columns: readonly MatrixColumn[]
  readonly rows: readonly MatrixRow[]
  /** What the model error of its columns is the largest of, in two or three words and in a sentence; absent where it is of the whole alone. */
  readonly errorOver?: { readonly short: string; readonly help: string }
  /** Titles of the measures that are 0 in every row: they have no column. */
  readonly zero: readonly string[]
}

export const roleOf = (isBaseline: boolean, isBound = false): MatrixRow['role'] =>
  isBaseline ? 'baseline' : isBound ? 'bound' : 'policy'

const MOST_COLUMNS = 8

/** Drops columns of nothing but zeros or gaps, and keeps the first eight of the others. */
export function trimmed({ capture, columns, rows, zero, ...rest }: Matrix): Matrix {
  const values = (at: number) => rows.flatMap(({ cells }) => cells[at]?.value ?? [])
  const all = [...columns.keys()]
  const kept = all.filter((at) => values(at).some((value) => value !== 0)).slice(0, MOST_COLUMNS)
  const empty = all.filter((at) => values(at).length > 0 && values(at).every((value) => value === 0))
  return {
    ...rest,
    capture,
    columns: kept.map((at) => columns[at]!),
    rows: rows.map((row) => ({ ...row, cells: kept.map((at) => row.cells[at]!) })),
    zero: [...zero, ...empty.map((at) => columns[at]!.title)],
  }
}
