import { counted } from '#kernel/messages'
import type { PolicyRun } from '#replay'
import type { CaptureFacts } from './capture-facts.ts'
import type { ComparedCapture } from './compared-capture.ts'
import { measure } from './compared-run.ts'
import { joinedTally } from './comparison-head.ts'
import type { PcpComparison } from './comparison-schema.ts'
import { headlineOf } from './headline.ts'
import { intervalsOf } from './losses/trials.ts'
import type { Prices } from './prices/prices.ts'
import { largestErrors, recordedRow, verdictsOf } from './recorded-row.ts'
import type { Run } from './schemas.ts'
import { totalsOf } from './totals.ts'

/** Where the recording kernel’s policy, replayed as a what-if, interrupts otherwise than the record shows: how far. */
function interruptionNotes({ head }: CaptureFacts, { result }: PolicyRun): string[] {
  const recorded = Object.values(head.recordedInterruptions).reduce((sum, times) => sum + times, 0)
  const replayed = result.work.interruptions
  return recorded === 0 || replayed === recorded
    ? []
    : [
        `${head.name}: ${counted(recorded, 'interruption')} recorded, ${replayed} predicted by the same rules with work items as late as recorded.`,
      ]
}

/** What a reader must know of the runs on a capture, a sentence each. */
function notesOn({ facts, runs }: ComparedCapture): string[] {
  const { name, missing } = facts.head
  const notes: string[] = facts.outside.map((note) => `${facts.head.name}: ${note}`)
  if (facts.requestsInferred)
    notes.push(
      `${name}: drain_all_pages() was not traced, so no policy drains on request. Record it with: kreplay capture --for drain.`,
    )
  const requests = runs[0]?.result.work.drainRequests ?? 0
  if (facts.inferredRequests > 0)
    notes.push(
      `${name}: ${facts.inferredRequests} of ${counted(requests, 'drain request')} are inferred from pages drained after direct reclaim.`,
    )
  const ownRun = runs.find(({ policy }) => policy === facts.ownId)
  if (ownRun !== undefined) notes.push(...interruptionNotes(facts, ownRun))
  if (
    runs.some(
      ({ result }) => result.pagesAtEnd !== result.pagesExpected || result.pagesTwice > 0 || result.pagesLost > 0,
    )
  )
    notes.push(`${name}: a replay lost count of pages; please report this.`)
  if (missing.length > 0) notes.push(`${name}: the capture lacks ${missing.join(', ')}.`)
  return notes
}

/** What losses leave open of a run’s totals. */
function runIntervals({ facts, runs, losses }: ComparedCapture, at: number): Pick<Run, 'intervals'> {
  if (losses === undefined) return {}
  const { model, trials } = losses
  const again = trials.map((trial) => trial.runs[at]!)
  return { intervals: intervalsOf(totalsOf(runs[at]!, facts.isolated), again, model, 'replayed') }
}

/** Puts the runs of one or more captures into the comparison that reports are made from. */
export function composePcp(
  captures: readonly ComparedCapture[],
  baseline: string,
  prices: readonly Prices[],
  version: string,
): PcpComparison {
  const all = captures.map(({ facts }) => facts)
  const runs = captures.flatMap((capture) =>
    capture.runs.map((run, at) => ({
      ...measure(capture.facts, capture.foresight, run, prices),
      ...runIntervals(capture, at),
    })),
  )
  const recorded = captures.map(recordedRow)
  const differences = verdictsOf(captures, recorded, baseline)
  return {
    family: 'pcp',
    schema: 'kreplay.comparison/1',
    notModelled: [
      ...new Set(
        all.flatMap(({ head, notModelled }) =>
          notModelled.map((sentence) => (all.length > 1 ? `${head.name}: ${sentence}` : sentence)),
        ),
      ),
    ],
    captures: all.map(({ head }) => head),
    baseline,
    fidelity: all.map(({ fidelity }) => fidelity),
    tally: joinedTally(all.map(({ tally }) => tally)),
    version,
    runs,
    recorded,
    modelError: largestErrors(recorded),
    differences,
    headline: all
      .flatMap(({ head: { name, kernel }, isolated, fidelity, caveats, unmodelled }, at) => [
        headlineOf(
          {
            name,
            kernel,
            isolated,
            fidelity,
            row: recorded[at]!,
            differences: differences.filter((one) => one.capture === name),
            unmodelled,
          },
          runs.filter((run) => run.capture === name),
          baseline,
        ),
        ...caveats,
      ])
      .join(' '),
    notes: captures.flatMap(notesOn),
  }
}
