import { Op, type Script } from '#record'
import type { Window } from '#replay'
import type { RecordedRow } from './measures.ts'

/** Marks of a kind that a timeline shows at most. */
const MOST_MARKS = 500

/** Evenly thinned to at most so many. */
const even = (rows: readonly number[]): number[] =>
  rows.length <= MOST_MARKS
    ? [...rows]
    : Array.from({ length: MOST_MARKS }, (_, at) => rows[Math.trunc((at * rows.length) / MOST_MARKS)]!)

const REQUESTS: readonly number[] = [Op.drainRequest, Op.requestSkipped, Op.requestWaited]

function gracePeriodsOf(
  { gracePeriods: { start, end } }: Script,
  from: number,
  to: number,
): Pick<RecordedRow['marks'], 'gracePeriods'> {
  const inside = even([...start.keys()].filter((at) => start[at]! >= from && start[at]! < to))
  return inside.length === 0
    ? {}
    : { gracePeriods: { t: inside.map((at) => start[at]!), durationNs: inside.map((at) => end[at]! - start[at]!) } }
}

/** What happened to the machine meanwhile. */
export function marksOf(
  script: Script,
  { from = script.from, to = Number.POSITIVE_INFINITY }: Window = {},
): RecordedRow['marks'] {
  const { length, op, time, cpu } = script
  const isIn = (row: number): boolean => time[row]! >= from && time[row]! < to
  const rows = { requests: [] as number[], losses: [] as number[], starts: [] as number[] }
  // By the row where kswapd began: a wake while it balances begins nothing.
  const ends = new Map<number, number>()
  for (let row = 0; row < length; row++) {
    const is = op[row]!
    if (REQUESTS.includes(is)) rows.requests.push(row)
    else if (is === Op.lost) rows.losses.push(row)
    else if (is === Op.reclaimStart && rows.starts.length === ends.size) rows.starts.push(row)
    else if (is === Op.reclaimEnd && rows.starts.length > ends.size) ends.set(rows.starts.at(-1)!, time[row]!)
  }
  const at = (of: readonly number[]) => ({ t: of.map((row) => time[row]!), cpu: of.map((row) => cpu[row]!) })
  const starts = even(rows.starts.filter(isIn))
  return {
    requests: at(even(rows.requests.filter(isIn))),
    losses: at(even(rows.losses.filter(isIn))),
    ...gracePeriodsOf(script, from, to),
    kswapd: { t: at(starts).t, durationNs: starts.map((row) => (ends.get(row) ?? script.to) - time[row]!) },
  }
}
