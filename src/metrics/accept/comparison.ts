import { percentiles, quantile, rankOf } from '#kernel/numbers'
import type { AcceptResult } from '#replay'
import { composeHead, composeHeadline, type ReplayedCapture } from '../comparison-head.ts'
import { acceptHeadline } from './headline.ts'
import type { AcceptComparison, AcceptCosts, AcceptRun } from './schema.ts'

/** One policy on one capture: as asked for, and at the two ends of what accepting may cost. */
export interface AcceptRuns {
  readonly asked: AcceptResult
  readonly least: AcceptResult
  readonly most: AcceptResult
}

export interface AcceptCapture extends ReplayedCapture {
  readonly runs: readonly AcceptRuns[]
}

/** Of `delays` and so many zeros that there are `all`. `delays` is sorted. */
function withZeros(delays: Float64Array, all: number): AcceptCosts['addedNs'] {
  const at = (share: number): number => delays[rankOf(share, all) - (all - delays.length)] ?? 0
  return { ...percentiles(all, () => ({ p50: at(0.5), p99: at(0.99) })), max: delays.at(-1) ?? 0 }
}

function costsOf({
  addedNs,
  bootNs,
  lateNs,
  work,
  waits,
  longestZoneWaitNs,
  longestIrqsOffNs,
}: AcceptResult): AcceptCosts {
  const at = (share: number): number => quantile(addedNs, share) ?? 0
  return {
    bootNs,
    addedNs: withZeros(addedNs, work.allocs),
    ...(addedNs.length === 0
      ? {}
      : {
          delayedNs: { ...percentiles(addedNs.length, () => ({ p50: at(0.5), p99: at(0.99) })), max: at(1) },
        }),
    addedTotalNs: addedNs.reduce((sum, ns) => sum + ns, 0),
    lockWaitNs: waits.reduce((sum, { zoneNs, bitmapNs }) => sum + zoneNs + bitmapNs, 0),
    lateNs,
    longestZoneWaitNs,
    longestIrqsOffNs: Math.max(0, ...longestIrqsOffNs),
  }
}

function measure(capture: string, { asked, least, most }: AcceptRuns): AcceptRun {
  return {
    capture,
    policy: asked.policy,
    params: { ...asked.params },
    work: { ...asked.work },
    costs: costsOf(asked),
    bounds: { least: costsOf(least), most: costsOf(most) },
    waits: asked.waits.map((waits, cpu) => ({ cpu, ...waits })),
    nodes: asked.nodeWaitNs.map((zoneWaitNs, node) => ({ node, zoneWaitNs })),
    irqsOff: asked.longestIrqsOffNs.map((longestNs, cpu) => ({ cpu, longestNs })),
    threadNs: asked.threadNs,
    ...(asked.allAcceptedNs === undefined ? {} : { allAcceptedNs: asked.allAcceptedNs }),
    pages: { atStart: asked.pagesAtStart, left: asked.pagesLeft, acceptedTwice: asked.acceptedTwice },
    series: { t: [...asked.stepEnds], acceptedFree: [...asked.acceptedFree], unaccepted: [...asked.unaccepted] },
  }
}

/** True where every unit was accepted at most once and none was lost. */
export const isConserved = ({ work, pages }: AcceptRun): boolean =>
  pages.acceptedTwice === 0 && work.acceptedPages + pages.left === pages.atStart

export function composeAccept(captures: readonly AcceptCapture[], baseline: string, version: string): AcceptComparison {
  const runs = captures.flatMap((capture) => capture.runs.map((run) => measure(capture.recording.name, run)))
  return {
    family: 'accept',
    ...composeHead(captures, baseline, version),
    runs,
    headline: composeHeadline(captures, ({ recording }) =>
      acceptHeadline(
        recording.name,
        runs.filter(({ capture }) => capture === recording.name),
        baseline,
      ),
    ),
    notes: [
      'The trace is of a machine whose memory was accepted long before: it is replayed as if all that was free at its start had to be accepted first. Nothing in it can confirm a figure below.',
      ...captures
        .filter(({ tally }) => tally.some(({ cause }) => cause === 'no-zoneinfo'))
        .map(
          ({ recording }) =>
            `${recording.name}: the capture lacks zoneinfo.before, so it is unknown how much memory was free: only what the trace touches is accepted, also at boot, and watermarks are guessed.`,
        ),
      ...runs
        .filter((run) => !isConserved(run))
        .map(({ capture, policy }) => `${capture}, ${policy}: the replay lost count of units; please report this.`),
    ],
  }
}
