import { type Events, Kind } from '#events'
import type { Cpu, Ns } from '#kernel'
import { Halves, Objects } from './addresses.ts'

/** Moments of the calls whose object went to a list, by CPU and in order: rcu_invoke_kvfree_callback names it when it is freed. */
export function recordedLists(events: Events): Map<Cpu, Ns[]> {
  const { kind: kinds, cpu: cpus, slot: slots, time: times, tables } = events
  const { head, arg } = tables.kvfree_call_rcu.column
  const object = new Objects(head.data, arg.data)
  const { rhp, offset } = tables.rcu_invoke_kvfree_callback.column
  const freed = new Halves(rhp.data)
  const freedOf = (slot: number): number => (freed.high(slot) & 0xffff) * 2 ** 32 + freed.low(slot) - offset.data[slot]!
  const wanted = new Set<number>()
  for (let slot = 0; slot < tables.rcu_invoke_kvfree_callback.length; slot++) wanted.add(freedOf(slot))
  const lists = new Map<Cpu, Ns[]>()
  if (wanted.size === 0) return lists
  const open = new Map<number, number>()
  for (let row = 0; row < events.length; row++) {
    const slot = slots[row]!
    if (kinds[row] === Kind.kvfree_call_rcu) {
      object.read(slot)
      if (wanted.has(object.key)) open.set(object.key, row)
    } else if (kinds[row] === Kind.rcu_invoke_kvfree_callback) {
      const call = open.get(freedOf(slot))
      if (call === undefined) continue
      open.delete(freedOf(slot))
      const cpu = cpus[call]!
      const own = lists.get(cpu)
      if (own === undefined) lists.set(cpu, [times[call]!])
      else own.push(times[call]!)
    }
  }
  for (const own of lists.values()) own.sort((a, b) => a - b)
  return lists
}
