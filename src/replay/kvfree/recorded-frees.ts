import { type Events, Kind } from '#events'
import { firstIndex } from '#kernel/numbers'
import { Channel, sheafCapacity } from '#policies/kvfree'
import { Frees } from './ledger.ts'
import type { RecordedCalls } from './recorded-calls.ts'
import type { CallbackRun } from './recorded-works.ts'

/** 1 for each call that came at or before a moment on a CPU. */
function kindBefore({ cpus, kinds }: RecordedCalls, cpu: number, time: number) {
  const own = cpus[cpu]
  if (own === undefined) return undefined
  const after = firstIndex(own.time.length, (index) => own.time[index]! > time)
  return after === 0 ? undefined : kinds[own.kind[after - 1]!]
}

/**
 * What the trace records as freed, in order of time. A sheaf's callback does not say how many objects it frees: as many as its cache's
 * sheaves hold, and the cache is that of the last call on the CPU before the sheaf was handed to RCU, the one that filled it.
 */
export function recordedFrees(events: Events, calls: RecordedCalls, sheaves: readonly CallbackRun[]): Frees {
  const { kind: kinds, slot: slots, time: times, tables } = events
  const { rcu_invoke_kfree_bulk_callback: bulk } = tables
  const invoked = sheaves
    .filter(({ invoked: at }) => at !== undefined)
    .map(({ cpu, queued, invoked: at }) => {
      const kind = kindBefore(calls, cpu, queued)
      const capacity = kind?.sheaf ?? sheafCapacity(kind?.bytes ?? 0)
      // More came since the last that is recorded where one between went to a bypass list.
      const n = Math.min(calls.sheaves?.[cpu]?.get(queued) ?? capacity, capacity)
      return { at: at!, n }
    })
    .sort((a, b) => a.at - b.at)
  let sheaf = 0
  const frees = new Frees()
  const sheavesUntil = (time: number) => {
    for (; sheaf < invoked.length && invoked[sheaf]!.at <= time; sheaf++)
      frees.add(invoked[sheaf]!.at, invoked[sheaf]!.n, Channel.sheaf)
  }
  for (let row = 0; row < events.length; row++) {
    const kind = kinds[row]!
    if (kind !== Kind.rcu_invoke_kfree_bulk_callback && kind !== Kind.rcu_invoke_kvfree_callback) continue
    const time = times[row]!
    sheavesUntil(time)
    if (kind === Kind.rcu_invoke_kfree_bulk_callback)
      frees.add(time, bulk.column.nrRecords.data[slots[row]!] as number, Channel.slab)
    else frees.add(time, 1, Channel.list)
  }
  sheavesUntil(Number.POSITIVE_INFINITY)
  return frees
}

/** Objects that were freed before as many had been called for, at the most: so many were queued before the trace. */
function earlier({ cpus }: RecordedCalls, frees: Frees): number {
  const at = new Uint32Array(cpus.length)
  let called = 0
  let freed = 0
  let most = 0
  for (let row = 0; row < frees.length; row++) {
    cpus.forEach(({ time }, cpu) => {
      while (at[cpu]! < time.length && time[at[cpu]!]! <= frees.time[row]!) {
        at[cpu]!++
        called++
      }
    })
    freed += frees.n[row]!
    most = Math.max(most, freed - called)
  }
  return most
}

/** The frees of objects that were queued in the trace: the first are those of what was queued before. */
export function withoutEarlier(calls: RecordedCalls, frees: Frees): Frees {
  let left = calls.inferred ? 0 : earlier(calls, frees)
  if (left === 0) return frees
  const own = new Frees()
  for (let row = 0; row < frees.length; row++) {
    const n = frees.n[row]!
    const gone = Math.min(left, n)
    left -= gone
    if (n > gone) own.add(frees.time[row]!, n - gone, frees.channel[row]! as Channel)
  }
  return own
}
