import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Machine, unknownMachine, type Zone } from '#kernel'
import { choosePcp } from '#policies'
import { PageAllocator } from './allocator.ts'
import { type AllocatorObserver, BORROWED } from './allocator-types.ts'
import { Buddy } from './buddy.ts'
import { RemoteExpiry } from './remote-expiry.ts'
import { zonelistsOf } from './zonelists.ts'

const zone = (node: number, name: string, startPfn: number, pages: number): Zone => ({
  node,
  name,
  startPfn,
  spanned: pages,
  present: pages,
  managed: pages,
  free: pages,
  min: 8,
  low: 10,
  high: 12,
  pagesets: [],
})

const zones = [
  zone(0, 'DMA32', 0, 1024),
  zone(0, 'Normal', 1024, 1024),
  zone(1, 'Normal', 2048, 1024),
  zone(2, 'Normal', 3072, 1024),
]

interface Wish {
  readonly shortage?: 'borrow' | 'fail'
  readonly observer?: AllocatorObserver
  readonly remote?: Uint8Array
  readonly policy?: string
}

/** Two CPUs; every page is free. */
function allocator({ shortage = 'fail', observer = {}, remote, policy = 'pcp/fixed{high=20,batch=4}' }: Wish = {}) {
  const machine: Machine = { ...unknownMachine, cpus: [0, 1], zones }
  const buddies = zones.map((of) => {
    const buddy = new Buddy(of, 9, 'claim', new Uint8Array(0))
    buddy.put(of.startPfn, 10)
    return buddy
  })
  return new PageAllocator({ machine, zones, cpus: 2 }, choosePcp(policy, '6.12'), {
    isolated: [],
    buddies,
    observer,
    shortage,
    ...(remote === undefined ? {} : { remote }),
  })
}

describe('zonelists', () => {
  test('lower zones of the node come first, then the next nodes in turn; never a higher zone', () => {
    expect(zonelistsOf(zones)).toEqual([[], [0, 2, 3], [3, 1, 0], [1, 0, 2]])
  })

  test('an allocation that finds its zone empty is served by the next one, from that zone’s lists', () => {
    const one = allocator()
    for (let page = 0; page < 1024; page++) one.alloc(0, 1, one.listOf(1, 0, 1), 0, 1)
    expect(one.buddies[1]!.free).toBe(0)
    const page = one.alloc(0, 1, one.listOf(1, 0, 1), 0, 1)
    expect([one.lastZone, page < 1024, one.count(0, 0)]).toEqual([0, true, 3])
  })

  test('where nothing is free anywhere it fails, or borrows a page that no zone has', () => {
    const drained = (shortage: 'borrow' | 'fail') => {
      const one = allocator({ shortage })
      for (const buddy of one.buddies) while (buddy.take(0, 1) >= 0);
      return { one, page: one.alloc(0, 1, one.listOf(1, 0, 1), 0, 1) }
    }
    expect(drained('fail').page).toBe(-1)
    const { one, page } = drained('borrow')
    expect([page >= BORROWED, one.borrowed, one.owed]).toEqual([true, 1, 1])
    one.release(1, page, 0)
    expect([one.owed, one.buddies[1]!.free]).toEqual([0, 0])
  })
})

describe('remote pagesets', () => {
  test('expire at the third tick after their CPU last used them', () => {
    const expiry = new RemoteExpiry(Uint8Array.of(0, 1))
    expiry.used[1] = 1
    expect([1, 2, 3, 4].map(() => expiry.tick(1, 9))).toEqual([false, false, true, false])
    // What the drain changed counts as use.
    expect([5, 6].map(() => expiry.tick(1, 9))).toEqual([false, true])
  })

  test('a local pageset never does, nor an empty one', () => {
    const expiry = new RemoteExpiry(Uint8Array.of(0, 1))
    expiry.used.fill(1)
    expect([1, 2, 3, 4].map(() => expiry.tick(0, 9))).toEqual([false, false, false, false])
    expect([1, 2, 3, 4].map(() => expiry.tick(1, 0))).toEqual([false, false, false, false])
  })

  test('give back a batch of what is on them', () => {
    const ticks: number[] = []
    const observer: AllocatorObserver = {
      bulkFreed: (_cpu, _zone, pages, cause) => {
        if (cause === 'tick') ticks.push(pages)
      },
    }
    // Zone 2 is on node 1, CPU 0 is not.
    const remote = Uint8Array.from({ length: 8 }, (_, pset) => Number(pset === 2))
    const one = allocator({ observer, remote })
    const page = one.alloc(0, 2, one.listOf(2, 0, 1), 0, 1)
    one.free(0, 2, one.listOf(2, 0, 1), page, 0)
    for (let tick = 0; tick < 3; tick++) one.tick(0)
    expect(ticks).toEqual([4])
    expect(one.count(0, 2)).toBe(0)
  })
})

test('ZONE_RECLAIM_ACTIVE of one node leaves the lists of the others alone', () => {
  const one = allocator({ policy: 'pcp/linux-6.1{high=40,batch=2}' })
  one.setReclaim([2], true)
  const kept = (of: number): number => {
    const pages = Array.from({ length: 30 }, () => one.fromBuddy(of, 0, 1))
    for (const page of pages) one.free(0, of, one.listOf(of, 0, 1), page, 0)
    return one.count(0, of)
  }
  expect([kept(1), kept(2) < 10]).toEqual([30, true])
})

test('no zone makes or loses a page, whatever is asked of it', () => {
  const steps = fc.array(
    fc.record({
      cpu: fc.nat(1),
      zone: fc.nat(3),
      order: fc.constantFrom(0, 0, 0, 1, 3, 9),
      pick: fc.nat(40),
      what: fc.nat(9),
    }),
    { maxLength: 300 },
  )
  const policies = fc.constantFrom(
    'pcp/linux-5.10',
    'pcp/linux-6.1',
    'pcp/linux-6.12',
    'pcp/linux-7.2',
    'pcp/none',
    'pcp/rcu-swap',
  )
  fc.assert(
    fc.property(steps, policies, (story, policy) => {
      const one = allocator({ policy, remote: Uint8Array.of(0, 0, 1, 1, 1, 1, 0, 1) })
      const held: { page: number; zone: number; order: number }[] = []
      story.forEach(({ cpu, zone: of, order, pick, what }, at) => {
        one.now = at
        if (what === 0) one.tick(cpu)
        else if (what === 1) one.request(cpu, pick % 2 === 0 ? undefined : of)
        else if (what === 2) one.drainLocal(cpu, of)
        else if (what < 7 || held.length === 0) {
          const page = one.alloc(cpu, of, one.listOf(cpu * 4 + of, order, 1), order, 1)
          if (page >= 0) held.push({ page, zone: one.lastZone, order })
        } else {
          const [block] = held.splice(pick % held.length, 1)
          const list = one.listOf(cpu * 4 + block!.zone, block!.order, 1)
          if (list >= 0) one.free(cpu, block!.zone, list, block!.page, block!.order)
          else one.release(block!.zone, block!.page, block!.order)
        }
      })
      one.runTimers(Number.POSITIVE_INFINITY)
      const pages = one.buddies.map(({ free }) => free)
      one.sets.each((_page, order, of) => {
        pages[of]! += 1 << order
      })
      for (const { zone: of, order } of held) pages[of]! += 1 << order
      expect(pages).toEqual([1024, 1024, 1024, 1024])
    }),
    { numRuns: 200 },
  )
})
