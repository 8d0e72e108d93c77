import { countByName, lossesOf, type Recording } from '#events'
import type { Zone } from '#kernel'
import type { TallyEntry } from '#kernel/messages'
import { caveatsOf } from './caveats.ts'
import type { ComparisonHead } from './head.ts'
import { notModelledOf } from './not-modelled.ts'
import { recordedDrainsOf } from './recorded-drains.ts'
import type { Fidelity } from './schemas.ts'

/** A capture of a comparison of any family, with what its replays could not use. */
export interface ReplayedCapture {
  readonly recording: Recording
  /** Absent where the trace records nothing of what the family's policies do. */
  readonly fidelity?: Fidelity
  readonly isolated: readonly number[]
  readonly tally: readonly TallyEntry[]
  readonly cpus: number
  readonly zones: readonly Zone[]
  readonly recordedInterruptions?: Readonly<Record<string, number>>
}

/** The finding of each capture, then what its recording lacks. */
export const composeHeadline = <C extends Pick<ReplayedCapture, 'recording'>>(
  captures: readonly C[],
  findingOf: (capture: C) => string,
): string => captures.flatMap((capture) => [findingOf(capture), ...caveatsOf(capture.recording)]).join(' ')

function recordedDrains({ events }: Recording): Pick<ComparisonHead['captures'][number], 'recordedDrains'> {
  const recordedDrains = recordedDrainsOf(events)
  return recordedDrains === undefined ? {} : { recordedDrains }
}

/** What a comparison says of one of its captures. */
export const captureHead = ({
  recording,
  isolated,
  cpus,
  zones,
  recordedInterruptions,
}: Omit<ReplayedCapture, 'tally' | 'fidelity'>): ComparisonHead['captures'][number] => ({
  ...recordedDrains(recording),
  name: recording.name,
  kernel: recording.machine.release?.text ?? 'unknown',
  ...(recording.machine.release?.synthetic === true ? { synthetic: true } : {}),
  format: recording.format,
  ...(recording.clock === undefined ? {} : { clock: recording.clock }),
  cpus: Array.from({ length: cpus }, (_, cpu) => cpu),
  isolated: [...isolated],
  zero: recording.events.zero,
  spanNs: (recording.events.time.at(-1) ?? 0) - (recording.events.time[0] ?? 0),
  events: countByName(recording.events),
  losses: lossesOf(recording.events),
  tally: [...recording.tally],
  missing: [...recording.machine.missing],
  zones: zones.map(({ node, name, managed, pagesets }) => ({
    node,
    name,
    managed,
    batch: pagesets[0]?.batch ?? 0,
    high: pagesets[0]?.high ?? 0,
  })),
  recordedInterruptions: { ...recordedInterruptions },
})

/** Counts by cause, over several tallies. */
export function joinedTally(tallies: readonly (readonly TallyEntry[])[]): ComparisonHead['tally'] {
  const tally = new Map<string, ComparisonHead['tally'][number]>()
  for (const entry of tallies.flat()) {
    const known = tally.get(entry.cause)
    if (known === undefined) tally.set(entry.cause, { ...entry })
    else known.count += entry.count
  }
  return [...tally.values()]
}

/** What a comparison of any family says besides its runs and its finding. */
export function composeHead(
  captures: readonly ReplayedCapture[],
  baseline: string,
  version: string,
): Omit<ComparisonHead, 'headline' | 'notes'> {
  return {
    schema: 'kreplay.comparison/1',
    notModelled: notModelledOf(captures.map(({ recording }) => recording)),
    captures: captures.map(captureHead),
    baseline,
    fidelity: captures.flatMap(({ fidelity }) => fidelity ?? []),
    tally: joinedTally(captures.map(({ recording, tally }) => [...recording.tally, ...tally])),
    version,
  }
}
