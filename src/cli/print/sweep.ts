import type { SweepEstimate, SweepResult, SweepStatus, SweepSummary } from '#app'
import { counted } from '#kernel/messages'
import { number } from '../terminal.ts'
import type { Output } from './output.ts'

type Queue = NonNullable<SweepStatus['queue']>

const mebibytes = (bytes: number): string => `${number(Math.ceil(bytes / 2 ** 20))} MiB`

function spanOf(seconds: number): string {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`
}

export function printEstimate(estimate: SweepEstimate, out: Output): void {
  const { captures, captureBytes, choices, runs, done, chunks, threads, measured, seconds, memory } = estimate
  out.table(
    ['what', 'how much'],
    [
      ['captures', `${number(captures)} (${mebibytes(captureBytes)})`],
      ['choices of policy and parameters', number(choices)],
      ['runs', number(runs)],
      ['done already', number(done)],
      ['chunks left', number(chunks)],
      ['threads', number(threads)],
      ['time left', done === runs ? 'none' : seconds === undefined ? 'not estimated' : `about ${spanOf(seconds)}`],
      ['memory', `about ${mebibytes(memory)}`],
    ],
  )
  if (measured !== undefined)
    out.line(
      `\nMeasured on ${measured.capture}: ${measured.prepareSeconds.toFixed(2)} s to read and estimate, ${(measured.runSeconds * 1000).toFixed(1)} ms a run; scaled by bytes.`,
    )
}

function printQueue({ done, left, runsPerSecond, secondsLeft, jobs, failed, hosts }: Queue, out: Output): void {
  const states = Object.entries(jobs).map(([state, count]) => `${number(count)} ${state}`)
  out.line(
    `\nQueue: ${counted(done, 'run')} done and not fetched, ${number(left)} left; ${runsPerSecond.toFixed(1)} runs/s in the last minute${secondsLeft === undefined ? '' : `, about ${spanOf(secondsLeft)} left`}.`,
  )
  if (states.length > 0) out.line(`Jobs: ${states.join(', ')}.`)
  if (hosts.length > 0)
    out.table(
      ['host', 'workers', 'runs done', 'version'],
      hosts.map((one) => [one.host, number(one.workers), number(one.runs), one.versions.join(', ')]),
    )
  for (const { capture, error } of failed) out.line(`Set aside: ${capture}: ${error}`)
}

export function printStatus({ runs, done, captures, store, queue }: SweepStatus, out: Output): void {
  out.line(`Done: ${number(done)} of ${counted(runs, 'run')}; results in ${store}.`)
  const open = captures.filter((one) => one.done < one.runs)
  if (open.length > 0)
    out.table(
      ['capture', 'runs', 'done'],
      open.map((one) => [one.name, number(one.runs), number(one.done)]),
    )
  if (queue !== undefined) printQueue(queue, out)
}

const signed = (share: number): string =>
  share === 0 ? 'same' : `${share > 0 ? '+' : '−'}${(Math.abs(share) * 100).toFixed(1)} %`

const plain = (value: number | undefined): string => (value === undefined ? '–' : number(Math.round(value * 100) / 100))

/** The best policies of a sweep, and those on the front. */
export function printSweep(summary: SweepSummary, result: SweepResult, top: number, out: Output): void {
  const { runs, captures, missing } = result
  out.line(`${counted(runs.length, 'run')} on ${counted(captures.length, 'capture')}; baseline ${result.baseline}.`)
  if (missing > 0) out.line(`Not done: ${counted(missing, 'run')} of the scenario.`)
  if (summary.rows.length === 0) return
  const { axes, rows, objective } = summary
  const kept = rows.filter(({ breaks }) => breaks.length === 0)
  out.heading(`Best by ${objective}${result.limits.length > 0 ? ` within ${result.limits.join(', ')}` : ''}`)
  const line = (row: SweepSummary['rows'][number]): string[] => [
    row.policy === result.baseline ? `${row.policy} (baseline)` : row.policy,
    signed(row.difference),
    ...axes.map((axis) => plain(row.means[axis])),
    row.onFront ? 'yes' : '',
  ]
  const head = [
    'policy',
    'objective',
    ...axes.map((axis) => (captures.length > 1 ? `${axis}, mean` : axis)),
    'on front',
  ]
  if (kept.length === 0) out.line('No policy keeps the limits on every capture. Nearest:')
  out.table(head, (kept.length === 0 ? rows : kept).slice(0, top).map(line))
  const base = rows.find(({ policy }) => policy === result.baseline)
  const front = kept.filter(({ onFront }) => onFront)
  out.line(
    `\n${number(kept.length)} of ${counted(rows.length, 'policy', 'policies')} keep the limits; ${number(front.length)} are on the Pareto front of ${axes.join(', ')}.${base !== undefined && base.breaks.length > 0 ? ` The baseline breaks ${base.breaks.join(', ')}.` : ''}`,
  )
  out.line('A sweep lists; it judges no difference. `kreplay recommend` holds them against the model error.')
}
