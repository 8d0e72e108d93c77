import { Op, type Script } from '#record'
import type { ComparedCapture } from './comparison.ts'
import { lossShareOf } from './loss-share.ts'
import type { Difference, MeasureId, RecordedRow } from './measures.ts'
import { modelErrors } from './model-error.ts'
import { recordedSums } from './recorded-sums.ts'
import { recordedMeasures, stepSums, stepsOf, summedTotals, totalsOf } from './totals.ts'
import { differencesOf, relative, repeatKey } from './verdicts.ts'

/** Marks of a kind that a timeline shows at most. */
const MOST_MARKS = 500

/** Evenly thinned to at most so many. */
const even = (rows: readonly number[]): number[] =>
  rows.length <= MOST_MARKS
    ? [...rows]
    : Array.from({ length: MOST_MARKS }, (_, at) => rows[Math.trunc((at * rows.length) / MOST_MARKS)]!)

const REQUESTS: readonly number[] = [Op.drainRequest, Op.requestSkipped, Op.requestWaited]

function marksOf({ length, op, time, cpu, to }: Script): RecordedRow['marks'] {
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
  const starts = even(rows.starts)
  return {
    requests: at(even(rows.requests)),
    losses: at(even(rows.losses)),
    kswapd: { t: at(starts).t, durationNs: starts.map((row) => (ends.get(row) ?? to) - time[row]!) },
  }
}

/** The row of the record: what the kernel did by its own account, and how far its own policy’s replay is from it. */
export function recordedRow(capture: ComparedCapture): RecordedRow {
  const { recording, script, isolated, own } = capture
  const { stepEnds, sums: ownSums } = own.result
  const sums = recordedSums(recording.events, script, stepEnds)
  const can = recordedMeasures(script, recording.events.tables.workqueue_queue_work.length, own.drain)
  const steps = new Map([...stepsOf(sums, isolated)].filter(([id]) => can.has(id)))
  return {
    capture: recording.name,
    totals: summedTotals(steps),
    modelError: modelErrors(stepsOf(ownSums, isolated), steps),
    ownPolicy: own.policy,
    predicted: totalsOf(own, isolated),
    lossShare: lossShareOf(recording),
    sums: stepSums(stepEnds, steps, sums),
    marks: marksOf(script),
  }
}

export function largestErrors(rows: readonly RecordedRow[]): Record<string, number> {
  const largest: Record<string, number> = {}
  for (const { modelError } of rows)
    for (const [id, error] of Object.entries(modelError)) largest[id] = Math.max(largest[id] ?? 0, error)
  return largest
}

/** Captures of one kernel on one machine repeat each other. */
const machineOf = ({ recording: { machine }, script, isolated }: ComparedCapture): string =>
  JSON.stringify([machine.release?.text, script.cpus, isolated, script.zones.map(({ managed }) => managed)])

export function verdictsOf(
  captures: readonly ComparedCapture[],
  rows: readonly RecordedRow[],
  baseline: string,
): Difference[] {
  const measured = captures.map(({ runs, isolated }) =>
    runs.map((run) => ({ policy: run.policy, totals: totalsOf(run, isolated) })),
  )
  const repeats = new Map<string, Map<string, number[]>>()
  captures.forEach((capture, at) => {
    const of = repeats.get(machineOf(capture)) ?? new Map<string, number[]>()
    repeats.set(machineOf(capture), of)
    const base = measured[at]!.find(({ policy }) => policy === baseline)
    for (const { policy, totals } of measured[at]!)
      for (const [id, value] of Object.entries(totals)) {
        if (value === undefined) continue
        const key = repeatKey(policy, id as MeasureId)
        of.set(key, [...(of.get(key) ?? []), relative(value, base?.totals[id as MeasureId] ?? 0)])
      }
  })
  return captures.flatMap((capture, at) =>
    differencesOf(capture.recording.name, measured[at]!, baseline, {
      recorded: new Set(Object.keys(rows[at]!.totals) as MeasureId[]),
      modelError: rows[at]!.modelError,
      lossShare: rows[at]!.lossShare,
      varied: capture.varied.map(({ policy, param, end, run }) => ({
        policy,
        param,
        end,
        totals: totalsOf(run, capture.isolated),
      })),
      repeats: repeats.get(machineOf(capture))!,
    }),
  )
}
