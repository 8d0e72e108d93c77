import type { Events } from '#events'
import type { Ns, Pages } from '#kernel'
import { Op, type Script } from '#record'
import { pagesets } from '#sim'
import { ownPolicy } from './inferred.ts'
/**
 * Where the stages of a workload end: a stage is over when all tasks of its program are gone before the next one starts. The
 * program is the name that most events bear. The last stage ends with the trace.
 */
export function stagesOf({ length, time, comm, pid }: Events): Ns[] {
  const times = new Map<number, number>()
  for (let at = 0; at < length; at++) times.set(comm[at]!, (times.get(comm[at]!) ?? 0) + 1)
  const [program] = [...times].reduce((most, next) => (next[1] > most[1] ? next : most), [-1, 0])
  const lives = new Map<number, [first: Ns, last: Ns]>()
  for (let at = 0; at < length; at++) {
    if (comm[at] !== program) continue
    const life = lives.get(pid[at]!)
    if (life === undefined) lives.set(pid[at]!, [time[at]!, time[at]!])
    else life[1] = time[at]!
  }
  const ends: Ns[] = []
  let end: Ns = Number.POSITIVE_INFINITY
  for (const [first, last] of [...lives.values()].sort(([a], [b]) => a - b)) {
    if (first > end) ends.push((first + end) / 2)
    end = end === Number.POSITIVE_INFINITY ? last : Math.max(end, last)
  }
  return [...ends, length === 0 ? 0 : time[length - 1]!]
}

/** Pages, stage by stage. */
export interface StagePages {
  readonly allocated: readonly Pages[]
  readonly refilled: readonly Pages[]
  readonly drained: readonly Pages[]
}

/** When each stage has come so far: has allocated so many pages, or ends. */
export function progressOf({ length, time, op, order }: Script, ends: readonly Ns[], pages: readonly Pages[]): Ns[] {
  const reached = [...ends]
  let [stage, allocated] = [0, 0]
  for (let row = 0; row < length; row++) {
    while (stage < ends.length - 1 && time[row]! > ends[stage]!) {
      stage++
      allocated = 0
    }
    if (op[row] !== Op.alloc || allocated >= pages[stage]!) continue
    allocated += 1 << order[row]!
    if (allocated >= pages[stage]!) reached[stage] = time[row]!
  }
  return reached
}

/**
 * What the recording kernel did in each stage, up to the moment `until` in it. Blocks that its lists do not keep were not refilled, they
 * came from the buddy.
 */
export function recordedStages(script: Script, ends: readonly Ns[], until = ends): StagePages {
  const { length, time, op, order, refillStart, refillEnd, refillOrder, drainStart, drainEnd, drainOrder } = script
  const [lists] = pagesets(script, ownPolicy(script)).rules
  const allocated = ends.map(() => 0)
  const refilled = ends.map(() => 0)
  const drained = ends.map(() => 0)
  let stage = 0
  for (let row = 0; row < length; row++) {
    while (stage < ends.length - 1 && time[row]! > ends[stage]!) stage++
    if (time[row]! > until[stage]!) continue
    if (op[row] === Op.alloc) allocated[stage]! += 1 << order[row]!
    for (let at = refillStart[row]!; at < refillEnd[row]!; at++)
      if (lists!.allowed(refillOrder[at]!)) refilled[stage]! += 1 << refillOrder[at]!
    for (let at = drainStart[row]!; at < drainEnd[row]!; at++) drained[stage]! += 1 << drainOrder[at]!
  }
  return { allocated, refilled, drained }
}
