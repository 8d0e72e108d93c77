import { type Events, Kind } from '#events'
import type { Cpu, Ns } from '#kernel'

/** An rcu_head's address as a number: the upper 16 bits are the same for all of the kernel's. */
const keys = ({ buffer, byteOffset, length }: BigUint64Array): ((slot: number) => number) => {
  const words = new Uint32Array(buffer, byteOffset, length * 2)
  const low = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1 ? 0 : 1
  return (slot) => (words[slot * 2 + 1 - low]! & 0xffff) * 2 ** 32 + words[slot * 2 + low]!
}

/** Moments of the calls whose object went to a list, by CPU and in order: its rcu_head is what rcu_invoke_kvfree_callback names later. */
export function recordedLists(events: Events): Map<Cpu, Ns[]> {
  const { kind: kinds, cpu: cpus, slot: slots, time: times, tables } = events
  const headOf = keys(tables.kvfree_call_rcu.column.head.data as BigUint64Array)
  const freedOf = keys(tables.rcu_invoke_kvfree_callback.column.rhp.data as BigUint64Array)
  const wanted = new Set<number>()
  for (let slot = 0; slot < tables.rcu_invoke_kvfree_callback.length; slot++) wanted.add(freedOf(slot))
  const lists = new Map<Cpu, Ns[]>()
  if (wanted.size === 0) return lists
  const open = new Map<number, number>()
  for (let row = 0; row < events.length; row++) {
    const slot = slots[row]!
    if (kinds[row] === Kind.kvfree_call_rcu) {
      const key = headOf(slot)
      if (wanted.has(key)) open.set(key, row)
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
