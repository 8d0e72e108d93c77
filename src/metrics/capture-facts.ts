import type { Recording } from '#events'
import { unmodelledRules } from '#kernel'
import type { TallyEntry } from '#kernel/messages'
import { ownPcpId } from '#policies/pcp'
import type { Script } from '#record'
import type { Window } from '#replay'
import { assumedOf } from './assumed.ts'
import { caveatsOf } from './caveats.ts'
import { captureHead } from './comparison-head.ts'
import { matrixNotes } from './fidelity-matrix.ts'
import type { ComparisonHead } from './head.ts'
import { lossCaveat } from './losses/caveat.ts'
import { lossModelOf } from './losses/loss-model.ts'
import type { RecordedRow } from './measures.ts'
import { marksOf } from './recorded-marks.ts'
import { recordedSums, recordedSumsWithin } from './recorded-sums.ts'
import type { Fidelity } from './schemas.ts'
import { surveyLockWaits } from './survey/lock-waits.ts'
import { cpuFlowsOf } from './survey/page-matching.ts'
import { surveyWorks } from './survey/works.ts'
import { recordedMeasures, stepSums, stepsOf, summedTotals } from './totals.ts'
import { interruptionsWithin, recordingWithin, secondsOf } from './within.ts'

/** Of functions, CPUs and requesters a report names so many at most. */
const MOST_CELLS = 200

/**
 * All that a comparison says of a capture by itself, whatever the policies: plain data, so that a report can carry it and compose the
 * comparison again.
 */
export interface CaptureFacts {
  readonly head: ComparisonHead['captures'][number]
  readonly fidelity: Fidelity
  /** Sentences each. */
  readonly notModelled: readonly string[]
  /** What the rules leave out of how the kernel was built: then nothing is settled. */
  readonly unmodelled?: string
  readonly caveats: readonly string[]
  /** What says that no capture of this kind was scored. */
  readonly outside: readonly string[]
  readonly tally: readonly TallyEntry[]
  /** Highest CPU number + 1. */
  readonly cpus: number
  readonly isolated: readonly number[]
  readonly pageblockOrder: number
  /** The recording kernel’s own policy. */
  readonly ownId: string
  /** The same for captures of one kernel on one machine, which repeat each other. */
  readonly machine: string
  readonly requestsInferred: boolean
  /** Drain requests that no event shows. */
  readonly inferredRequests: number
  /** What the record says of itself; of its measures those that it can check. */
  readonly recorded: Pick<RecordedRow, 'totals' | 'lossShare' | 'sums' | 'marks'>
}

/** A capture, or a window of it, as a comparison takes it. */
export interface FactsInput {
  readonly recording: Recording
  readonly script: Script
  readonly fidelity: Fidelity
  readonly isolated: readonly number[]
  /** Ends of the steps that sums are taken over; those of all runs. */
  readonly stepEnds: ArrayLike<number>
  /** Id of the recording kernel’s own drain mechanism. */
  readonly ownDrain: string
  readonly window?: Window | undefined
}

export function captureFactsOf({
  recording: whole,
  script,
  fidelity,
  isolated,
  stepEnds,
  ownDrain,
  window,
}: FactsInput): CaptureFacts {
  const recording = recordingWithin(whole, window)
  const { events, machine, tally } = recording
  const loss = lossModelOf(recording, script.isLossy)
  const sums =
    window === undefined ? recordedSums(events, script, stepEnds) : recordedSumsWithin(events, script, stepEnds, window)
  const can = recordedMeasures(script, whole.events.tables.workqueue_queue_work.length, ownDrain)
  const steps = new Map([...stepsOf(sums, isolated)].filter(([id]) => can.has(id)))
  const head = captureHead({
    recording,
    isolated,
    cpus: script.cpus,
    zones: script.zones,
    recordedInterruptions: interruptionsWithin(recording, script, window),
  })
  const unmodelled = unmodelledRules(machine)
  const cpuFlows = cpuFlowsOf(events)
  const works = surveyWorks(events, { isolated })
  const lockWaits = surveyLockWaits(events)
  return {
    head: {
      ...head,
      ...(cpuFlows === undefined ? {} : { cpuFlows }),
      ...(works === undefined ? {} : { works: { ...works, cells: works.cells.slice(0, MOST_CELLS) } }),
      ...(lockWaits === undefined ? {} : { lockWaits }),
      ...(window === undefined ? {} : { window: secondsOf(window, script, events.zero) }),
    },
    fidelity,
    notModelled: assumedOf(machine),
    ...(unmodelled === undefined ? {} : { unmodelled }),
    caveats: [...caveatsOf(recording), ...(loss === undefined ? [] : [lossCaveat(loss)])],
    outside: machine.release === undefined || machine.release.synthetic === true ? [] : matrixNotes(machine),
    tally: [...tally, ...script.tally],
    cpus: script.cpus,
    isolated: [...isolated],
    pageblockOrder: script.machine.pageblockOrder,
    ownId: ownPcpId(machine.release),
    machine: JSON.stringify([machine.release?.text, script.cpus, isolated, script.zones.map(({ managed }) => managed)]),
    requestsInferred: script.requestsInferred,
    inferredRequests: script.tally.find(({ cause }) => cause === 'inferred-requests')?.count ?? 0,
    recorded: {
      totals: summedTotals(steps),
      lossShare: loss?.share ?? 0,
      sums: stepSums(stepEnds, steps, sums),
      marks: marksOf(script, window),
    },
  }
}
