import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { TraceEvent } from '#events'
import { choosePcp, fits } from '#policies'
import { drainPolicies, listPolicies } from '#policies/pcp'
import { readCapture } from '#readers'
import { infer } from '../estimate/inferred.ts'
import { whatIfOf } from '../estimate/what-if.ts'
import { BYPASS, Op } from '../record/script.ts'
import { scriptOf } from '../record/script-of.ts'
import type { LockPrices } from '../sim/clocks.ts'
import { streams } from '../testing/times.ts'
import { runPolicy } from './run.ts'
import { slowReplay } from './testing/slow.ts'
import { type MachineWish, recordingOf, story } from './testing/story.ts'

const run = (text: string, id: string, wish: MachineWish = {}, options = {}) => {
  const script = scriptOf(story(text, wish))
  return runPolicy(whatIfOf(infer(script)), choosePcp(id, '5.10'), options).result
}

describe('small stories', () => {
  test('frees on another CPU fill that CPU’s list', () => {
    const { cached, work } = run('cpu0 alloc a alloc b\ncpu1 free a free b', 'pcp/linux-5.10')
    // cpu0 fetched a batch of 4 and used 2; cpu1 got 2.
    expect(cached.map((pages) => pages.at(-1))).toEqual([2, 2])
    expect(work).toMatchObject({ refills: 1, allocsAfterRefill: 1, allocsFromList: 1, drainBursts: 0 })
  })

  test('a full list gives one batch back', () => {
    const frees = Array.from({ length: 12 }, (_, page) => `cpu0 free p${page}`).join('\n')
    expect(run(frees, 'pcp/linux-5.10').work).toMatchObject({ drainBursts: 1, drainBurstPages: 4 })
  })

  test('chunks change how often zone->lock is taken, not what moves under it', () => {
    const text = `${Array.from({ length: 12 }, (_, page) => `cpu0 free p${page}`).join('\n')}\ncpu1 drain-all`
    const workOf = (braces: string) => run(text, `pcp/fixed{high=12,batch=4${braces}}`).work
    const moved = { drainBursts: 1, drainBurstPages: 4, requestedDrainPages: 8, zoneLockPages: 12 }
    expect(workOf('')).toMatchObject({ ...moved, zoneLocks: 2 })
    expect(workOf(',chunk=2')).toMatchObject({ ...moved, zoneLocks: 6 })
    expect(workOf(',chunk=2,letGo=contended')).toMatchObject({ ...moved, zoneLocks: 2 })
  })

  test('frees go to the owner of their pageblock, under its lock', () => {
    const { work, cached } = run('cpu0 alloc a alloc b\ncpu1 free a free b', 'pcp/block-owner{highMin=600,highMax=600}')
    expect(work).toMatchObject({ remoteListLocks: 2, ownedPageblocks: 1, strandedWithOwners: 2, refills: 1 })
    expect(cached.map((pages) => pages.at(-1))).toEqual([512, 0])
  })

  test('work items interrupt each CPU with pages; remote drains interrupt none and recover as much', () => {
    const text = 'cpu0 free a free b\ncpu1 free c\ncpu0 drain-all\ncpu0 free d'
    const work = run(text, 'pcp/work{workDelayNs=0}')
    expect(work.interruptions).toEqual({ 0: 1, 1: 1 })
    expect(work.work).toMatchObject({ interruptions: 2, workItemWaits: 2, requestedDrainPages: 3 })
    const trylock = run(text, 'pcp/trylock')
    expect(trylock.interruptions).toEqual({})
    expect(trylock.work).toMatchObject({ interruptions: 0, remoteDrains: 2, requestedDrainPages: 3 })
  })

  test('pages freed while an RCU swap waits for its grace period survive the drain', () => {
    const { work, cached } = run('cpu0 free a\ncpu1 drain-all\ncpu0 free b', 'pcp/rcu-swap{gracePeriodNs=1500}')
    expect(work).toMatchObject({ gracePeriodWaits: 1, requestedDrainPages: 1, interruptions: 0 })
    expect(cached[0]!.at(-1)).toBe(1)
  })

  test('a second request for all zones finds the mutex taken and drains nothing', () => {
    const text = 'cpu0 free a\ncpu1 drain-all\ncpu1 drain-all'
    expect(run(text, 'pcp/rcu-swap{gracePeriodNs=1000000}').work.drainRequestsSkipped).toBe(1)
    expect(run(text, 'pcp/trylock').work.drainRequestsSkipped).toBe(0)
  })

  test('without lists every operation takes the zone lock', () => {
    const { work } = run('cpu0 alloc a alloc b free a', 'pcp/none')
    expect(work).toMatchObject({ zoneLocks: 3, allocsFromBuddy: 2, freesToBuddy: 1, refills: 0 })
  })

  test('a block that nothing was seen to allocate comes from the buddy whole, and stays so', () => {
    // The second free of a names pages that nobody has: what compaction allocated leaves no event.
    const { work } = run('cpu0 free a order 2 free a order 2\ncpu0 alloc b order 2 alloc c order 2', 'pcp/linux-6.1')
    expect(work).toMatchObject({ unseenAllocs: 4, frees: 2, allocsFromList: 2, refills: 0 })
  })

  test('free blocks are counted once, however long after the trace a drain ends', () => {
    const text = 'cpu0 alloc a alloc b free a\ncpu1 drain-all'
    const free = ({ freeBlocks, pagesAtEnd }: ReturnType<typeof run>) =>
      pagesAtEnd + freeBlocks.reduce((sum, blocks, order) => sum + (blocks.at(-1)! << order), 0)
    expect(free(run(text, 'pcp/rcu-swap{gracePeriodNs=1000000}'))).toBe(
      free(run(text, 'pcp/rcu-swap{gracePeriodNs=0}')),
    )
  })

  test('isolated CPUs keep what nobody drains', () => {
    expect(run('cpu1 free a free b', 'pcp/linux-5.10', {}, { isolated: [1] }).work.strandedPagesAtEnd).toBe(2)
  })
})

describe('the script', () => {
  const at = (time: number, cpu = 0) => ({ time, cpu })

  test('a page freed in a batch reaches its list at the batched event, with the order of its free', () => {
    const script = scriptOf(
      recordingOf([
        { event: 'mm_page_free', ...at(1), pfn: 600, order: 2 },
        { event: 'mm_page_free', ...at(2), pfn: 700, order: 0 },
        { event: 'mm_page_free_batched', ...at(3), pfn: 600 },
      ]),
    )
    expect([...script.op.subarray(0, 3)]).toEqual([Op.none, Op.free, Op.free])
    expect([script.pfn[2], script.order[2], script.time[2]]).toEqual([600, 2, 3])
  })

  test('a freed page has its pageblock’s type, wherever in the zone the block begins', () => {
    const drained = { order: 0, migratetype: 0 }
    const script = scriptOf(
      recordingOf([
        { event: 'mm_page_free', ...at(1), pfn: 1023, order: 0 },
        { event: 'mm_page_free', ...at(2), pfn: 1024, order: 0 },
        { event: 'mm_page_pcpu_drain', ...at(3), pfn: 1000, ...drained },
        { event: 'mm_page_pcpu_drain', ...at(4), pfn: 1536, ...drained, migratetype: 4 },
        { event: 'mm_page_free', ...at(5), pfn: 1537, order: 0 },
      ]),
    )
    expect([...script.migratetype.subarray(0, 3)]).toEqual([0, 1, BYPASS])
  })

  test('a lost event makes the CPU’s lists unknown again', () => {
    const events: TraceEvent[] = [{ event: 'lost', ...at(1), count: 5 }]
    expect(scriptOf(recordingOf(events)).tally).toMatchObject([
      { cause: 'lost-events' },
      { cause: 'no-drain-requests' },
    ])
  })
})

/** Allocations and frees that could have happened: only live pages are freed. */
const anyLife = (orders: readonly number[]) =>
  fc
    .array(fc.tuple(fc.nat(1), fc.boolean(), fc.nat(30), fc.constantFrom(...orders)), { maxLength: 400 })
    .map((steps) => {
      const live: { pfn: number; order: number }[] = []
      const events: TraceEvent[] = []
      let next = 1024
      steps.forEach(([cpu, wantsFree, pick, order], step) => {
        const time = step * 100
        if (wantsFree && live.length > 0) {
          const [page] = live.splice(pick % live.length, 1)
          events.push({ event: 'mm_page_free', time, cpu, ...page! })
        } else {
          const page = { pfn: next, order }
          next += 8
          live.push(page)
          events.push({ event: 'mm_page_alloc', time, cpu, ...page, migratetype: 1, gfpFlags: 0 })
        }
        if (step % 97 === 96) events.push({ event: 'drain_all_pages', time: time + 1, cpu, zone: 0n })
      })
      return events
    })

/** So dear that drains and operations collide. */
const prices: LockPrices = { id: 'dear', bulkFree: { baseNs: 150, pageNs: 5 }, refill: { baseNs: 150, pageNs: 5 } }

describe('laws', () => {
  test('at once, every mechanism drains the same pages', () => {
    fc.assert(
      fc.property(anyLife([0, 0, 1, 3]), (events) => {
        const script = scriptOf(recordingOf(events))
        const whatIf = whatIfOf(infer(script))
        const drained = (id: string) => {
          const { result } = runPolicy(whatIf, choosePcp(id, '6.1'))
          return [result.work.requestedDrainPages, ...result.freeBlocks.map((blocks) => blocks.at(-1))]
        }
        const whole = drained('pcp/work{workDelayNs=0}')
        expect(drained('pcp/spinlock')).toEqual(whole)
        expect(drained('pcp/trylock')).toEqual(whole)
        expect(drained('pcp/rcu-swap{gracePeriodNs=0}')[0]).toBe(whole[0])
      }),
      { numRuns: 100 },
    )
  })

  const pairsOfParts = listPolicies.flatMap((lists) =>
    drainPolicies.filter((drain) => fits(lists, drain)).map((drain) => `pcp/${lists.id}+${drain.id}`),
  )

  test('no page is made or lost, whatever the trace and the pair of rules', () => {
    fc.assert(
      fc.property(anyLife([0, 0, 0, 1, 3, 9]), fc.constantFrom(...pairsOfParts), (events, id) => {
        const script = scriptOf(recordingOf(events))
        const { result } = runPolicy(whatIfOf(infer(script)), choosePcp(id, '5.10'), { prices: [prices] })
        expect(result.pagesAtEnd).toBe(result.pagesExpected)
        expect([result.pagesTwice, result.pagesLost]).toEqual([0, 0])
        expect(result.pagesAtEnd).toBeGreaterThanOrEqual(0)
        const { work } = result
        expect(work.allocsFromList + work.allocsAfterRefill + work.allocsFromBuddy).toBe(work.allocs)
      }),
      { numRuns: streams(150) },
    )
  })

  // Captures with compaction, which fills free pages without an event.
  test.each(['pages-5.10-s', 'pages-6.1-s', 'drain-5.10-s', 'drain-6.1-s', 'drain-7.2-s'])(
    'no page of %s is made or lost',
    async (capture) => {
      const script = scriptOf(await readCapture(`traces/${capture}`))
      const whatIf = whatIfOf(infer(script))
      for (const id of ['pcp/linux-6.1', 'pcp/block-owner', 'pcp/block-owner{frees=local}', 'pcp/none']) {
        const { result } = runPolicy(whatIf, choosePcp(id, '6.1'))
        expect(result.pagesAtEnd).toBe(result.pagesExpected)
        expect([result.pagesTwice, result.pagesLost]).toEqual([0, 0])
      }
    },
  )

  test('times under several price lists are those of a run under each', () => {
    const lists = [prices, { ...prices, id: 'cheap', refill: { baseNs: 3, pageNs: 0.5 } }, { ...prices, id: 'last' }]
    const ofEach = (events: TraceEvent[], id: string) => {
      const script = scriptOf(recordingOf(events))
      const whatIf = whatIfOf(infer(script))
      const times = (...of: LockPrices[]) => runPolicy(whatIf, choosePcp(id, '5.10'), { prices: of }).times
      expect(times(...lists)).toEqual(lists.flatMap((list) => times(list)))
    }
    fc.assert(
      fc.property(anyLife([0, 0, 1, 3]), fc.boolean(), fc.constantFrom(...pairsOfParts), (events, asks, id) =>
        ofEach(asks ? events : events.filter(({ event }) => event !== 'drain_all_pages'), id),
      ),
      { numRuns: 60 },
    )
  })

  test('the same input gives the same bytes', () => {
    fc.assert(
      fc.property(anyLife([0, 1]), fc.constantFrom(...pairsOfParts), (events, id) => {
        const once = () => {
          const script = scriptOf(recordingOf(events))
          const { result } = runPolicy(whatIfOf(infer(script)), choosePcp(id, '5.10'))
          return JSON.stringify({ ...result, burstSizes: [...result.burstSizes], refillSizes: [...result.refillSizes] })
        }
        expect(once()).toBe(once())
      }),
      { numRuns: 30 },
    )
  })

  test.each(['5.10', '6.1'] as const)('the fast engine agrees with the slow, obvious one: %s', (kernel) => {
    fc.assert(
      fc.property(
        anyLife([0]),
        fc.integer({ min: 5, max: 40 }),
        fc.integer({ min: 1, max: 6 }),
        (events, high, batch) => {
          const recording = recordingOf(events.filter(({ event }) => event !== 'drain_all_pages'))
          const script = scriptOf(recording)
          const choice = choosePcp(`pcp/linux-${kernel}{high=${high},batch=${batch}}`, '5.10')
          const { work, pagesAtEnd, refillSizes, burstSizes } = runPolicy(whatIfOf(infer(script)), choice).result
          const slow = slowReplay(recording, kernel, high, batch)
          const counted = (sizes: number[]) => [...sizes].sort((a, b) => a - b)
          const listed = (sizes: ReadonlyMap<number, number>) =>
            [...sizes].flatMap(([size, times]) => Array<number>(times).fill(size)).sort((a, b) => a - b)
          expect(work.refills).toBe(slow.refills.length)
          expect(listed(refillSizes)).toEqual(counted(slow.refills))
          expect(listed(burstSizes)).toEqual(counted(slow.bursts))
          expect(pagesAtEnd).toBe(slow.left.reduce((sum, pages) => sum + pages, 0))
        },
      ),
      { numRuns: streams(200) },
    )
  })
})
