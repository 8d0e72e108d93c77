import { bisectLeft, group, least } from 'd3-array'
import type { Cpu, Ns } from '#kernel'

/** Recorded work items: on which CPU, when each was queued, and how long until it ran. */
export interface RecordedWorks {
  readonly cpu: readonly Cpu[]
  readonly queued: readonly Ns[]
  readonly delay: readonly Ns[]
  /** Requests: when each was made, and how long it held pcpu_drain_mutex at least. */
  readonly holds: { readonly asked: readonly Ns[]; readonly held: readonly Ns[] }
}

const NONE: RecordedWorks = { cpu: [], queued: [], delay: [], holds: { asked: [], held: [] } }

/** Of moments, the nearest one’s number; undefined: there is none. */
const nearest = (moments: readonly Ns[], now: Ns, among: Iterable<number> = moments.keys()): number | undefined =>
  least(among, (at) => Math.abs(moments[at]! - now))

/** How long a work item waits that is queued on a CPU: as the recorded one of that CPU that was queued nearest in time. */
export function workDelaysOf({ cpu, queued, delay }: RecordedWorks = NONE): (on: Cpu, now: Ns) => Ns | undefined {
  const ofCpu = group(cpu.keys(), (at) => cpu[at]!)
  return (on, now) => delay[nearest(queued, now, ofCpu.get(on) ?? []) ?? -1]
}

/** How long a request holds the mutex at least: as the recorded one that was made nearest in time. */
export const mutexHoldsOf =
  ({ holds }: RecordedWorks = NONE) =>
  (asked: Ns): Ns | undefined =>
    holds.held[nearest(holds.asked, asked) ?? -1]

/** Recorded grace periods, in order: the end of the first that begins at a moment or later; undefined where none does. */
export const gracePeriodEndOf =
  ({ start, end }: { readonly start: readonly Ns[]; readonly end: readonly Ns[] }) =>
  (now: Ns): Ns | undefined =>
    end[bisectLeft(start, now)]
