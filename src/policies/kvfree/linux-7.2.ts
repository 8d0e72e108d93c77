import { z } from 'zod'
import type { Cpu } from '#kernel'
import { collect } from './krc.ts'
import { params612, rules612 } from './linux-6.12.ts'
import { sheafBytes, sheafCapacity } from './sheaf.ts'
import { type Calls, Channel, defineKvfreePolicy, Held, type Kvfree, type KvfreeHost, State } from './types.ts'

class Sheaf extends Held {
  readonly capacity: number
  /** Objects it takes, besides those that were in it at the start. */
  readonly room: number

  constructor(cpu: Cpu, capacity: number, before: number) {
    super(Channel.sheaf, cpu)
    this.capacity = capacity
    this.room = Math.max(1, capacity - before)
  }
}

/** What each CPU's rcu_free sheaf of each cache holds. */
class Sheaves {
  readonly #host: KvfreeHost
  readonly #capacity: number
  readonly #filling: Sheaf[][]
  /** Caches of which a CPU has had a sheaf. */
  readonly #begun: boolean[][]

  constructor(host: KvfreeHost, capacity: number) {
    this.#host = host
    this.#capacity = capacity
    this.#filling = Array.from({ length: host.cpus }, () => [])
    this.#begun = Array.from({ length: host.cpus }, () => [])
  }

  enqueue(calls: Calls): number {
    const { cpu, cache } = calls
    const own = this.#filling[cpu]!
    let sheaf = own[cache]
    if (sheaf === undefined) {
      const isFirst = this.#begun[cpu]![cache] === undefined
      const capacity = this.#capacity || calls.sheaf || sheafCapacity(calls.bytes)
      sheaf = new Sheaf(cpu, capacity, isFirst ? this.#host.sheafAtStart(cpu, cache) : 0)
      this.#begun[cpu]![cache] = true
      own[cache] = sheaf
      this.#host.overhead(cpu, sheafBytes(sheaf.capacity))
    }
    const k = Math.min(calls.n, sheaf.room - sheaf.n)
    sheaf.add(calls, 0, k)
    if (sheaf.n === sheaf.room) {
      delete own[cache]
      this.#detach(cpu, sheaf)
    }
    return k
  }

  /** flush_all_rcu_sheaves(), or flush_rcu_sheaves_on_cache(): those that are not full go too. */
  flush(of: 'all' | number): void {
    for (const [cpu, own] of this.#filling.entries())
      for (const [cache, sheaf] of Object.entries(own)) {
        if (of !== 'all' && of !== Number(cache)) continue
        delete own[Number(cache)]
        this.#detach(cpu, sheaf, this.#host.now)
      }
  }

  #detach(cpu: Cpu, sheaf: Sheaf, at = sheaf.last): void {
    const host = this.#host
    host.counts.batches++
    host.moved(sheaf.n, State.collected, State.waiting)
    host.callRcu(cpu, at, () => {
      host.moved(sheaf.n, State.waiting, State.freeing)
      host.free(
        cpu,
        [sheaf],
        (_sheaf, on) => host.overhead(on, -sheafBytes(sheaf.capacity)),
        () => {},
      )
    })
  }
}

/**
 * Slab objects fill a sheaf of their cache; a full one goes to call_rcu() and is freed by its callback. What has no sheaf goes the way
 * of 6.12. A sheaf that is never filled waits for ever.
 */
export const linux72 = defineKvfreePolicy({
  id: 'linux-7.2',
  title: 'a sheaf for each cache and CPU, handed to call_rcu() when full; else as 6.12',
  source: '__kfree_rcu_sheaf(), rcu_free_sheaf(), mm/slub.c, and mm/slab_common.c, Linux 7.2.12',
  leavesOut:
    'the barn (an object parked in it counts as freed), remote nodes, failed sheaf allocations and RCU_LAZY, besides what 6.12 leaves out',
  params: params612.extend({
    sheafCapacity: z
      .int()
      .min(0)
      .max(1 << 16)
      .default(0)
      .meta({
        unit: 'objects',
        help: 'Objects in a sheaf; 0: as the record shows of the cache, else as calculate_sheaf_capacity() says for the object’s size.',
      }),
  }),
  create: ({ sheafCapacity: capacity, ...params }, host): Kvfree => {
    const sheaves = new Sheaves(host, capacity)
    const pages = collect(host, rules612(params))
    return {
      enqueue: (calls) =>
        calls.channel === Channel.slab && calls.cache >= 0 ? sheaves.enqueue(calls) : pages.enqueue(calls),
      shrink: (on) => pages.shrink?.(on),
      // That of one cache flushes its sheaves alone, but all pages.
      barrier: (of) => {
        sheaves.flush(of)
        pages.barrier?.(of)
      },
    }
  },
})
