import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Machine, unknownMachine, type Zone } from '#kernel'
import { streams } from '../../testing/times.ts'
import { listPolicies } from './index.ts'
import { Quota } from './lists.ts'
import { KERNELS, type Kernel, type Pressure, SlowLists } from './testing/slow-lists.ts'
import { type ListRules, Pcp, type Sizes } from './types.ts'

const machine: Machine = { ...unknownMachine, cpus: [0] }

/** The fast rules on lists of names. */
class FastLists {
  readonly lists: string[][]
  readonly pcp: Pcp
  readonly #rules: ListRules
  #fresh = 0

  constructor(kernel: Kernel, sizes: Sizes) {
    const policy = listPolicies.find(({ id }) => id === `linux-${kernel}`)!
    this.#rules = policy.create(policy.params.parse({}), { machine, zone: {} as Zone })
    this.lists = Array.from({ length: this.#rules.lists }, () => [])
    this.pcp = new Pcp(sizes)
  }

  keeps(order: number): boolean {
    return this.#rules.allowed(order)
  }

  alloc(order: number, type: number, zone: Pressure): number {
    const list = this.lists[this.#rules.listOf(order, type)]!
    this.#rules.onAlloc(this.pcp)
    let fetched = 0
    if (list.length === 0) {
      fetched = this.#rules.nrAlloc(this.pcp, order, zone)
      for (let block = 0; block < fetched; block++) list.push(`fresh ${this.#fresh++}`)
      this.pcp.count += fetched << order
    }
    list.shift()
    this.pcp.count -= 1 << order
    return fetched
  }

  free(name: string, order: number, type: number, zone: Pressure): string[] {
    const list = this.#rules.listOf(order, type)
    this.lists[list]!.unshift(name)
    this.pcp.count += 1 << order
    const n = this.#rules.nrFree(this.pcp, order, zone)
    return this.#take(n, this.#rules.freeChunk?.(this.pcp) ?? n, list)
  }

  tick(): string[] {
    const n = this.#rules.onTick?.(this.pcp) ?? 0
    return this.#take(n, this.#rules.tickChunk?.(this.pcp) ?? n, 0)
  }

  #take(n: number, chunk: number, list: number): string[] {
    const gone: string[] = []
    const quota = new Quota(n, chunk)
    const order = this.#rules.bulkOrder()
    for (let begin = true; quota.rest > 0 && this.pcp.count > 0; ) {
      if (begin) order.begin(quota.left, list)
      const from = order.next(
        Int32Array.from(this.lists, ({ length }) => length),
        0,
        quota.left,
      )
      gone.push(this.lists[from]!.pop()!)
      this.pcp.count -= 1 << this.#rules.orderOf(from)
      begin = quota.take(1 << this.#rules.orderOf(from))
    }
    return gone
  }
}

const step = fc.record({
  what: fc.constantFrom('alloc', 'alloc', 'free', 'free', 'free', 'tick', 'reclaim', 'below'),
  order: fc.constantFrom(0, 0, 0, 0, 1, 2, 3, 9),
  type: fc.integer({ min: 0, max: 2 }),
  times: fc.integer({ min: 1, max: 40 }),
})

describe('the rules of each kernel, written twice', () => {
  test.each(KERNELS)('%s: fast and slow agree on random streams', (kernel) => {
    const stream = fc.array(step, { minLength: 1, maxLength: 60 })
    const sizes = fc.record({
      batch: fc.constantFrom(1, 3, 7),
      highMin: fc.integer({ min: 1, max: 60 }),
      room: fc.nat(300),
    })
    fc.assert(
      fc.property(stream, sizes, (steps, { batch, highMin, room }) => {
        const given = { batch, highMin, highMax: highMin + room, high: highMin }
        const [slow, fast] = [new SlowLists(kernel, given), new FastLists(kernel, given)]
        const pressure = { reclaimActive: false, belowHigh: false }
        let serial = 0
        for (const { what, order, type, times } of steps) {
          if (what === 'reclaim') pressure.reclaimActive = !pressure.reclaimActive
          if (what === 'below') pressure.belowHigh = !pressure.belowHigh
          if (what === 'tick') expect(fast.tick()).toEqual(slow.tick())
          if ((what !== 'alloc' && what !== 'free') || !slow.keeps(order)) continue
          for (let time = 0; time < times; time++) {
            if (what === 'alloc') expect(fast.alloc(order, type, pressure)).toBe(slow.alloc(order, type, pressure))
            else {
              const name = `page ${serial++}`
              expect(fast.free(name, order, type, pressure)).toEqual(slow.free(name, order, type, pressure))
            }
          }
          expect(fast.lists).toEqual(slow.lists)
          expect(fast.pcp.count).toBe(slow.count())
          if (slow.tunes()) expect(fast.pcp.high).toBe(slow.high)
        }
      }),
      { numRuns: streams(100), seed: 1 },
    )
  })
})
