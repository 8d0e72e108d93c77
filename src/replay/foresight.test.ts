import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { TraceEvent } from '#events'
import { choosePcp, fits, shipped } from '#policies'
import { drainPolicies, listPolicies, routeSchema } from '#policies/pcp'
import { infer } from '../estimate/inferred.ts'
import { whatIfOf } from '../estimate/what-if.ts'
import { scriptOf } from '../record/script-of.ts'
import { KINDS } from '../sim/pagesets.ts'
import { streams } from '../testing/times.ts'
import { Foresight } from './foresight.ts'
import { waysOf } from './routes.ts'
import { runPolicy } from './run.ts'
import { recordingOf } from './testing/story.ts'

interface Step {
  readonly free: boolean
  readonly type: number
}

/** Order-0 pages on one CPU, of types whose pageblocks lie apart. */
function streamOf(steps: readonly Step[]) {
  const events: TraceEvent[] = []
  const live: number[][] = [[], [], []]
  steps.forEach(({ free, type }, at) => {
    const time = (at + 1) * 100
    const pfn = 1024 * (type + 1) + at
    const freed = free ? live[type]!.pop() : undefined
    if (freed !== undefined) events.push({ event: 'mm_page_free', time, cpu: 0, pfn: freed, order: 0 })
    else {
      live[type]!.push(pfn)
      events.push({ event: 'mm_page_alloc', time, cpu: 0, pfn, order: 0, migratetype: type, gfpFlags: 0 })
    }
  })
  return recordingOf(events, { cpus: 1 })
}

const bare = (events: ReturnType<typeof streamOf>) => {
  const script = scriptOf(events)
  return { script, foresight: new Foresight(whatIfOf(infer(script))) }
}

/** Pages on the three lists of order 0 to begin with, and how many a pageset may hold. */
const held = (pages: readonly number[], peak: number) => {
  const start = new Int32Array(KINDS)
  pages.forEach((count, type) => {
    start[type] = count
  })
  return { start, peak: Int32Array.of(peak) }
}

const total = (lists: readonly number[]) => lists.reduce((sum, pages) => sum + pages, 0)

/** Every way to have at most `most` pages on three lists. */
function allStates(most: number): number[][] {
  const states: number[][] = []
  for (let a = 0; a <= most; a++)
    for (let b = 0; a + b <= most; b++) for (let c = 0; a + b + c <= most; c++) states.push([a, b, c])
  return states
}

/** The least cost of any plan at all, by trying every state after every operation. */
function bestOf(
  steps: readonly Step[],
  start: readonly number[],
  room: number,
  cost: (now: readonly number[], next: readonly number[], step: Step) => number,
): number {
  const states = allStates(room)
  let best = new Map([[start.join(), 0]])
  for (const step of steps) {
    const after = new Map<string, number>()
    for (const [key, spent] of best)
      for (const next of states) {
        const all = spent + cost(key.split(',').map(Number), next, step)
        if (all < (after.get(next.join()) ?? Number.POSITIVE_INFINITY)) after.set(next.join(), all)
      }
    best = after
  }
  return Math.min(...best.values())
}

const afterwards = (lists: readonly number[], { free, type }: Step) => lists.with(type, lists[type]! + (free ? 1 : -1))

/** Pages that cross the lock where a step leads from lists to lists: what the step itself brings or takes need not. */
const pagesMoved = (now: readonly number[], next: readonly number[], step: Step) =>
  afterwards(now, step).reduce((sum, pages, type) => sum + Math.abs(next[type]! - pages), 0)

const takes = (now: readonly number[], next: readonly number[], step: Step) => Number(pagesMoved(now, next, step) > 0)

const anySteps = (maxLength: number) =>
  fc.array(fc.record({ free: fc.boolean(), type: fc.nat(2) }), { minLength: 1, maxLength }).map((steps) => {
    // Only what was allocated can be freed.
    const live = [0, 0, 0]
    return steps.map(({ free, type }) => {
      const frees = free && live[type]! > 0
      live[type]! += frees ? -1 : 1
      return { free: frees, type }
    })
  })

describe('the least work', () => {
  test('is what a search of every plan finds', () => {
    fc.assert(
      fc.property(anySteps(9), fc.nat(3), fc.array(fc.nat(2), { minLength: 3, maxLength: 3 }), (steps, room, start) => {
        fc.pre(total(start) <= room)
        const { foresight } = bare(streamOf(steps))
        expect(foresight.least(held(start, room))).toEqual({
          pages: bestOf(steps, start, room, pagesMoved),
          takes: bestOf(steps, start, room, takes),
        })
      }),
      { numRuns: streams(300) },
    )
  })

  test('gives back what is used last', () => {
    const [alloc, free] = [false, true]
    const steps = [
      ...[0, 1, 2].map((type) => ({ free: alloc, type })),
      // Room for two: type 1 is used last, so it goes, and comes back.
      ...[1, 0, 2].map((type) => ({ free, type })),
      ...[0, 2, 1].map((type) => ({ free: alloc, type })),
    ]
    const { foresight } = bare(streamOf(steps))
    expect(foresight.none).toEqual({ pages: 9, takes: 9 })
    expect(foresight.least(held([0, 0, 0], 2)).pages).toBe(3 + 2)
    expect(foresight.least(held([0, 0, 0], 3)).pages).toBe(3)
    // The first brings all three, the second leaves two of those freed, the third fetches the last.
    expect(foresight.least(held([0, 0, 0], 2)).takes).toBe(3)
  })
})

describe('beyond single pages', () => {
  const block = (order: number) =>
    bare(recordingOf([{ event: 'mm_page_alloc', time: 1, cpu: 0, pfn: 64, order, migratetype: 1, gfpFlags: 0 }]))

  test('blocks that lie on the lists at the start count with all their pages', () => {
    const start = new Int32Array(KINDS)
    start[3 * 4 + 1] = 1
    expect(block(3).foresight.least({ start, peak: Int32Array.of(8, 0) })).toEqual({ pages: 0, takes: 0 })
  })

  test('what no list keeps takes the lock each time', () => {
    expect(block(4).foresight.least(held([0, 0, 0], 99))).toEqual({ pages: 16, takes: 1 })
  })

  test('pages that the untraced bulk allocator takes leave the lists before what comes later', () => {
    const { script } = bare(streamOf([{ free: false, type: 1 }]))
    const { inferred } = infer(script)
    const list = inferred.listTypes.indexOf(1)
    const bulk = { row: [0], pset: [0], list: [list] }
    const foresight = new Foresight(whatIfOf({ script, inferred: { ...inferred, bulk } }))
    expect(foresight.none).toEqual({ pages: 2, takes: 2 })
    expect(foresight.least(held([0, 1, 0], 1))).toEqual({ pages: 1, takes: 1 })
    expect(foresight.least(held([0, 2, 0], 2))).toEqual({ pages: 0, takes: 0 })
  })
})

describe('no list rules do better', () => {
  const life = fc
    .array(fc.tuple(fc.nat(1), fc.boolean(), fc.nat(30), fc.constantFrom(0, 0, 0, 1, 3, 4, 9), fc.nat(2)), {
      maxLength: 300,
    })
    .map((steps) => {
      const live: { pfn: number; order: number }[] = []
      const events: TraceEvent[] = []
      let next = 1024
      steps.forEach(([cpu, wantsFree, pick, order, migratetype], step) => {
        const time = step * 100
        if (wantsFree && live.length > 0) {
          const [block] = live.splice(pick % live.length, 1)
          events.push({ event: 'mm_page_free', time, cpu, ...block! })
        } else {
          next = Math.ceil(next / (1 << order)) << order
          live.push({ pfn: next, order })
          events.push({ event: 'mm_page_alloc', time, cpu, pfn: next, order, migratetype, gfpFlags: 0 })
          next += 1 << order
        }
        if (step % 97 === 96) events.push({ event: 'drain_all_pages', time: time + 1, cpu, zone: 0n })
      })
      return recordingOf(events, { count: 3, managed: 131_072 })
    })
  const ids = listPolicies.flatMap((lists) =>
    drainPolicies
      .filter((drain) => lists.sharesLists !== true && fits(lists, drain))
      .map((drain) => `pcp/${lists.id}+${drain.id}`),
  )

  const routes = [
    routeSchema.parse({
      schema: 'kreplay.route/1',
      id: 'way',
      rules: [
        { order: [1], to: 'buddy' },
        { cpu: [1], to: { list: 'one' } },
        { on: 'free', to: { list: 'frees' } },
      ],
    }),
  ]

  test('that start with as much and hold no more', () => {
    const rules = fc.tuple(fc.constantFrom(...ids), fc.boolean())
    fc.assert(
      fc.property(life, rules, fc.constantFrom('5.10', '6.12'), (recording, [id, routed], kernel) => {
        const whatIf = whatIfOf(infer(scriptOf(recording, { sources: true })), recording.events)
        const choice = choosePcp(routed ? `${id}{route=way}` : id, kernel, {}, { ...shipped, routes })
        const ways = routed ? waysOf(whatIf, routes[0]!) : undefined
        const { work, held } = runPolicy(whatIf, choice, { isolated: [1], ways }).result
        const foresight = new Foresight(whatIf)
        const least = foresight.least(held)
        expect(least.pages).toBeLessThanOrEqual(work.zoneLockPages)
        expect(least.takes).toBeLessThanOrEqual(work.zoneLocks)
        const unlimited = foresight.least({ ...held, peak: held.peak.map(() => 1e9) })
        expect(unlimited.pages).toBeLessThanOrEqual(least.pages)
        expect(unlimited.takes).toBeLessThanOrEqual(least.takes)
      }),
      { numRuns: streams(60) },
    )
  })

  test('lists without limit refill least often for their batch, and fetch no page in vain one by one', () => {
    fc.assert(
      fc.property(life, fc.constantFrom(1, 3, 8), fc.integer({ min: 1, max: 60 }), (recording, batch, high) => {
        const script = scriptOf(recording)
        const whatIf = whatIfOf(infer(script))
        const run = (id: string) => runPolicy(whatIf, choosePcp(id, '6.1')).result
        const infinite = run(`pcp/infinite{batch=${batch}}`)
        const limited = run(`pcp/fixed{batch=${batch},high=${high}}`)
        expect(infinite.work.refills).toBeLessThanOrEqual(limited.work.refills)
        expect(infinite.work.drainBursts).toBe(0)
        const { work, held } = run('pcp/infinite{batch=1}')
        expect(work.zoneLockPages).toBe(new Foresight(whatIf).least(held).pages)
      }),
      { numRuns: 60 },
    )
  })
})

test('without lists every operation is on its own, as pcp/none has it', () => {
  const recording = streamOf([false, false, true, false].map((free) => ({ free, type: 1 })))
  const { script, foresight } = bare(recording)
  const { work } = runPolicy(whatIfOf(infer(script)), choosePcp('pcp/none', '6.1')).result
  expect(foresight.none).toEqual({ pages: work.zoneLockPages, takes: work.zoneLocks })
})
