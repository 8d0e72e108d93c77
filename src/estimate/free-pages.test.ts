import { describe, expect, test } from 'vitest'
import type { TraceEvent } from '#events'
import type { Script } from '../record/script.ts'
import { scriptOf } from '../record/script-of.ts'
import { recordingOf } from '../replay/testing/story.ts'
import { BulkFrees } from './bulk-frees.ts'
import { BulkSizes } from './bulk-sizes.ts'
import { FreePages } from './free-pages.ts'
import { noInferences } from './inferences.ts'
import { sharedOf } from './inferred.ts'
import { EstimatorState } from './state.ts'

const HIGH = 1000
/** What a CPU of a machine of two keeps back of a zone that small. */
const THRESHOLD = 4
const MOVABLE = 1

const taken = (cpu: number, pfn: number): TraceEvent => ({
  event: 'mm_page_alloc_zone_locked',
  time: 0,
  cpu,
  pfn,
  order: 0,
  migratetype: MOVABLE,
  percpuRefill: true,
})
const alloc = (cpu: number, pfn: number): TraceEvent => ({
  event: 'mm_page_alloc',
  time: 0,
  cpu,
  pfn,
  order: 0,
  migratetype: MOVABLE,
  gfpFlags: 0,
})
const freed = (cpu: number, pfn: number): TraceEvent => ({ event: 'mm_page_free', time: 0, cpu, pfn, order: 0 })
const drained = (cpu: number, pfn: number): TraceEvent => ({
  event: 'mm_page_pcpu_drain',
  time: 0,
  cpu,
  pfn,
  order: 0,
  migratetype: MOVABLE,
})
const run = (length: number, of: (at: number) => TraceEvent) => Array.from({ length }, (_, at) => of(at))

/** A zone with `above` pages more than its high watermark. */
function zone(above: number, events: readonly TraceEvent[] = [], boosts: readonly number[] = []) {
  const script: Script = scriptOf(
    recordingOf(
      events.map((event, at) => ({ ...event, time: at * 1000 })),
      { release: '6.12.107', managed: 16384 },
    ),
  )
  const zones = script.zones.map((each) => ({ ...each, free: HIGH + above, high: HIGH }))
  const all = Uint8Array.from({ length: script.flow.length }, (_, at) => boosts[at] ?? 0)
  return new FreePages({ ...script, zones }, true, all)
}
const below = { reclaimActive: false, belowHigh: true }
const above = { reclaimActive: false, belowHigh: false }

const stateOf = (script: Script, corrects: boolean) => new EstimatorState(sharedOf(script), corrects, noInferences())

describe('what CPUs keep back', () => {
  test('an allocation does not see it until it is more than the threshold', () => {
    const free = zone(1)
    free.add(0, 0, -THRESHOLD)
    free.tried(0, 1)
    expect(free.flags[0]).toEqual(above)
    free.add(1, 0, -THRESHOLD)
    free.tried(0, 2)
    expect(free.flags[0]).toEqual(above)
    free.add(0, 0, -1)
    free.tried(0, 3)
    expect(free.flags[0]).toEqual(below)
  })

  test('what went into the counter is kept no more', () => {
    const free = zone(10)
    free.add(0, 0, -THRESHOLD - 1)
    free.add(0, 0, -THRESHOLD)
    free.tried(0, 1)
    expect(free.flags[0]).toEqual(above)
  })

  test('a vmstat tick gives up what its own CPU keeps', () => {
    const free = zone(1)
    free.add(0, 0, -1)
    free.tick(1)
    free.tried(0, 1)
    expect(free.flags[0]).toEqual(above)
    free.tick(0)
    free.tried(0, 2)
    expect(free.flags[0]).toEqual(below)
  })
})

describe('in order of time on all CPUs', () => {
  test('a refill looked before it took its pages, and its allocation does not look again', () => {
    const free = zone(3, [...run(8, (at) => taken(0, 600 + at)), alloc(0, 600)])
    free.advance(0)
    expect([free.flags[0], free.atRefill(0)]).toEqual([above, above])
    free.tried(0, 1)
    expect(free.flags[0]).toEqual(below)
  })

  test('what another CPU took before it is gone, though that CPU’s allocation comes later', () => {
    const free = zone(3, [
      ...run(8, (at) => taken(0, 600 + at)),
      taken(1, 700),
      alloc(1, 700),
      ...run(8, (at) => taken(0, 608 + at)),
      alloc(0, 600),
    ])
    free.advance(0)
    expect(free.atRefill(1)).toEqual(below)
    expect(free.atRefill(0)).toEqual(above)
  })

  test('a full pageset looks once all its pages are back', () => {
    const script = [freed(0, 500), ...run(8, (at) => drained(0, 600 + at)), freed(0, 501)]
    const one = zone(-4, script)
    one.tried(0, 0)
    one.advance(1)
    // No bulk free of a full pageset: nobody looks.
    expect(one.flags[0]).toEqual(below)
    for (const [last, flags] of [
      [7, above],
      [3, below],
    ] as const) {
      const free = zone(-4, script)
      free.tried(0, 0)
      free.endsWith(last)
      free.advance(1)
      expect(free.flags[0]).toEqual(flags)
    }
  })
})

test('a recorded bulk free looks at the watermark, whether the rules had predicted it or not', () => {
  for (const corrects of [true, false]) {
    const script = scriptOf(
      recordingOf([freed(0, 500), ...run(8, (at) => drained(0, 600 + at)), freed(0, 501)], { release: '6.12.107' }),
    )
    const zones = script.zones.map((each) => ({ ...each, free: HIGH - 4, high: HIGH }))
    const state = stateOf({ ...script, zones }, corrects)
    state.free.tried(0, 0)
    const [set] = state.belief.psets
    set!.count = 'proven'
    set!.twin = undefined
    set!.pcp.count = 30
    new BulkFrees(state, new BulkSizes(state)).freed(0, 0, 0, 0)
    expect(state.misses.size).toBeGreaterThan(0)
    state.free.advance(1)
    expect(state.free.flags[0]!.belowHigh).toBe(false)
  }
})

test('a boost raises the watermark until kswapd is done with it', () => {
  const free = zone(400, [taken(0, 600), alloc(0, 600)], [1])
  free.tried(0, 0)
  expect(free.flags[0]).toEqual(above)
  free.advance(0)
  free.tried(0, 1)
  expect(free.flags[0]).toEqual(below)
  free.learn(0, above)
  free.reclaim(true, 2, 0)
  free.reclaim(false, 3, 0)
  free.tried(0, 4)
  expect(free.flags[0]).toEqual(above)
})

test('kswapd takes back what it found boosted as it woke, and nothing of what came since', () => {
  const free = zone(400, [taken(0, 600), alloc(0, 600)], [1])
  free.reclaim(true, 0, 0)
  free.advance(0)
  free.reclaim(true, 1, 0)
  free.reclaim(false, 2, 0)
  free.tried(0, 3)
  expect(free.flags[0]).toEqual(below)
})

test('direct reclaim that begins late shows nothing of now', () => {
  const free = zone(1)
  free.shortage(1)
  expect(free.flags[0]).toEqual(above)
  const short = zone(0)
  short.shortage(1)
  expect(short.flags[0]).toEqual(below)
})

describe('what the record shows of the flags', () => {
  test('the counter is corrected by as little as it takes, where CPUs may keep that back', () => {
    const free = zone(2 * THRESHOLD)
    free.learn(0, below)
    free.learn(0, above)
    free.tried(0, 1)
    expect(free.flags[0]).toEqual(above)
    free.learn(0, below)
    for (let page = 0; page < 2 * THRESHOLD; page++) free.add(0, 0, 1)
    free.tick(0)
    free.learn(0, above)
    free.tried(0, 2)
    expect(free.flags[0]).toEqual(above)
  })

  test('more than that is no error of the counter: the watermark was boosted, unseen', () => {
    const free = zone(2 * THRESHOLD + 1)
    free.learn(0, below)
    free.add(0, 0, 300)
    free.flags[0]!.belowHigh = false
    free.tried(0, 1)
    expect(free.flags[0]).toEqual(below)
    // kswapd came to its end, and with it the boost.
    free.learn(0, above)
    free.tried(0, 2)
    expect(free.flags[0]).toEqual(above)
  })

  test('what CPUs may keep back is no boost', () => {
    const free = zone(2 * THRESHOLD)
    free.learn(0, below)
    free.add(0, 0, 100)
    free.flags[0]!.belowHigh = false
    free.tried(0, 1)
    expect(free.flags[0]).toEqual(above)
  })

  test('what nothing explains changes nothing but the flags', () => {
    const free = zone(100_000)
    free.learn(0, below)
    free.learn(0, above)
    free.add(0, 0, -99_500)
    free.tried(0, 1)
    expect(free.flags[0]).toEqual(above)
  })

  test('nor does what the counter says already: nobody had looked', () => {
    const free = zone(5)
    free.flags[0]!.belowHigh = true
    free.learn(0, above)
    free.add(0, 0, -4)
    free.tick(0)
    free.tried(0, 1)
    expect(free.flags[0]).toEqual(above)
  })
})

describe('what a refill shows of the flags as it began', () => {
  const refill = [...run(8, (at) => taken(0, 600 + at)), alloc(0, 600)]

  test('they are so still', () => {
    const free = zone(100, refill)
    free.advance(0)
    free.learnAtRefill(0, below)
    expect(free.flags[0]).toEqual(below)
  })

  test('but where they changed since', () => {
    const free = zone(3, refill)
    free.advance(0)
    free.tried(0, 1)
    expect([free.atRefill(0), free.flags[0]]).toEqual([above, below])
    free.learnAtRefill(0, { reclaimActive: true, belowHigh: false })
    expect(free.flags[0]).toEqual(below)
  })
})

describe('while kswapd balances', () => {
  const active = { reclaimActive: true, belowHigh: false }
  const others = (free: FreePages) => [...free.otherFlags(0, true)]

  test('once it has begun ZONE_RECLAIM_ACTIVE is set for certain; as it wakes it may not be yet', () => {
    const free = zone(1)
    free.reclaim(true, 5, 0)
    expect(others(free)).toContainEqual(above)
    expect(free.mayBegin(0, active, 7)).toBe(true)
    free.reclaim(true, 8, 0)
    expect(others(free)).toEqual([{ reclaimActive: true, belowHigh: true }])
    expect([free.mayBegin(0, active, 7), free.mayBegin(0, active, 9)]).toEqual([true, false])
    // When it ends no event shows.
    free.reclaim(false, 10, 0)
    expect(others(free)).toContainEqual(active)
  })

  test('and until it sleeps the zone is not far from a shortage, however much is free', () => {
    const free = zone(100_000)
    expect(others(free)).toEqual([])
    free.reclaim(true, 1, 0)
    free.reclaim(false, 2, 0)
    expect(others(free)).not.toEqual([])
    free.kswapdSleeps(0)
    expect(others(free)).toEqual([])
  })
})

test('where nothing shows how much was free, the zone is above its watermark until the record shows otherwise', () => {
  const script = scriptOf(recordingOf([alloc(0, 8)], { release: '6.12.107' }))
  const bare = {
    ...script,
    machine: { ...script.machine, zones: [] },
    zones: script.zones.map((one) => ({ ...one, free: 0 })),
  }
  const free = new FreePages(bare, true, new Uint8Array(script.flow.length))
  free.tried(0, 1)
  expect(free.flags[0]).toEqual(above)
  free.learn(0, below)
  free.tried(0, 2)
  expect(free.flags[0]).toEqual(below)
  free.learn(0, above)
  free.tried(0, 3)
  expect(free.flags[0]).toEqual(above)
  // zoneinfo says that nothing was free.
  const known = new FreePages({ ...bare, machine: script.machine }, true, new Uint8Array(script.flow.length))
  known.tried(0, 1)
  expect(known.flags[0]).toEqual(below)
})
