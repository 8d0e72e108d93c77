import type { Run } from '#metrics'
import { formatBounds } from '../format.ts'
import { ENOUGH } from './common.ts'
import type { Cell } from './section.ts'

export type Times = Run['times'][number]
export type Spread = Times['requester']

/** Least and greatest of a figure over all price lists; undefined where it never happened, or too seldom for a percentile. */
export function rangeOf(run: Run, of: (times: Times) => Spread, what: keyof Spread): [number, number] | undefined {
  const least = /^p\d/.test(what) ? ENOUGH : 1
  const values = run.times.filter((times) => of(times).count >= least).flatMap((times) => of(times)[what] ?? [])
  return values.length === 0 ? undefined : [Math.min(...values), Math.max(...values)]
}

/** The greater end of a range, given with both: machines differ, and the table compares policies at the worst. */
export const rangeCell = (bounds: [number, number] | undefined): Cell =>
  bounds === undefined ? undefined : { value: bounds[1], words: formatBounds(...bounds), tone: 'none' }
