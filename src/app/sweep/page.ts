import { counted } from '#kernel/messages'
import type { Page } from '#report'
import { composeSweep } from '#report/sweep'
import type { SweepResult } from './results.ts'
import type { SweepSummary } from './summary.ts'

/** A sweep as a page: what is best, the front, captures, parameters, assumptions. */
export function sweepPage(result: SweepResult, summary: SweepSummary): Page {
  const { captures, runs, missing, baseline, objective, limits } = result
  const kept = summary.rows.filter(({ breaks }) => breaks.length === 0)
  const [best] = kept
  return composeSweep({
    title: `Sweep: ${captures.map(({ name }) => name).join(', ')}`,
    origin: captures.map(({ name, kernel }) => `${name}: Linux ${kernel}`).join('; '),
    version: result.version,
    notModelled: [],
    objective,
    baseline,
    axes: summary.axes,
    sentences: [
      `${counted(runs.length, 'run')} of ${counted(summary.rows.length, 'policy', 'policies')} on ${counted(captures.length, 'capture')}; baseline ${baseline}.${missing > 0 ? ` Not done: ${counted(missing, 'run')} of the scenario.` : ''}`,
      best === undefined
        ? `No policy keeps ${limits.join(' and ')} on every capture.`
        : `Least ${objective}${limits.length > 0 ? ` within ${limits.join(', ')}` : ''}: ${best.policy}. A sweep judges no difference: kreplay recommend holds them against the model error.`,
    ],
    rows: summary.rows,
    runs,
  })
}
