import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Machine, unknownMachine, type Zone } from '#kernel'
import { choosePcp, type PcpChoice } from '#policies'
import { streams } from '../testing/times.ts'
import { PageAllocator } from './allocator.ts'
import type { AllocatorObserver } from './allocator-types.ts'
import { Buddy } from './buddy.ts'
import { SlowBlockOwner } from './testing/slow-block-owner.ts'
import { SlowBuddy } from './testing/slow-buddy.ts'

/** Pageblocks of 16 pages. */
const TOP = 4
const PAGES = 1024
const CPUS = 2

const zone: Zone = {
  node: 0,
  name: 'Normal',
  startPfn: 0,
  spanned: PAGES,
  present: PAGES,
  managed: PAGES,
  free: PAGES,
  min: 8,
  low: 10,
  high: 12,
  pagesets: [],
}
const { thpOrder: _, ...plain } = unknownMachine
const machine: Machine = { ...plain, cpus: [0, 1], pageblockOrder: TOP }

interface Start {
  /** Of each pageblock. */
  readonly types: readonly number[]
  readonly free: readonly { readonly pfn: number; readonly order: number }[]
}

const choiceOf = (braces: string): PcpChoice => choosePcp(`pcp/block-owner{${braces}}`, '7.2')

function fastOf(choice: PcpChoice, { types, free }: Start, shortage: 'fail' | 'borrow' = 'fail'): PageAllocator {
  const buddy = new Buddy(zone, TOP, 'claim', Uint8Array.from(types))
  for (const { pfn, order } of free) buddy.put(pfn, order)
  return new PageAllocator({ machine, zones: [zone], cpus: CPUS }, choice, {
    isolated: [],
    buddies: [buddy],
    observer: {},
    shortage,
  })
}

function slowOf(choice: PcpChoice, { types, free }: Start): SlowBlockOwner {
  const buddy = new SlowBuddy([...types], TOP, 'claim')
  for (const { pfn, order } of free) buddy.list(order, buddy.typeOf(pfn)).push({ pfn, order })
  const rules = choice.lists.create(choice.listParams as never, { machine, zone })
  return new SlowBlockOwner(buddy, rules, fastOf(choice, { types, free: [] }).pcps)
}

const listOf = (order: number, type: number): number => order * 3 + type

const allMovable = Array<number>(PAGES / 16).fill(1)
const allFree: Start = { types: allMovable, free: [{ pfn: 0, order: 10 }] }
const roomy = 'batch=4,highMin=64,highMax=64'

describe('a CPU that owns pageblocks', () => {
  test('takes one whole for a single page, and finds the next pages there without the zone', () => {
    const one = fastOf(choiceOf(roomy), allFree)
    expect([0, 1, 2].map(() => one.alloc(0, 0, listOf(0, 1), 0, 1))).toEqual([0, 1, 2])
    expect([one.buddies[0]!.free, one.count(0, 0), one.blocks!.owned]).toEqual([1008, 13, 1])
  })

  test('gets its pages back, whoever frees them, and gives them to the zone as one block', () => {
    const one = fastOf(choiceOf(roomy), allFree)
    const page = one.alloc(0, 0, listOf(0, 1), 0, 1)
    expect([one.cpuFor(1, 0, page), one.cpuFor(1, 0, 512)]).toEqual([0, 1])
    one.free(0, 0, listOf(0, 1), page, 0, 1)
    expect([one.count(0, 0), one.count(1, 0), one.blocks!.fromAfar()]).toEqual([16, 0, 1])
    let blocks = 0
    Object.assign(one.observer, {
      bulkFreed: (...[, , , , , how]: Parameters<NonNullable<AllocatorObserver['bulkFreed']>>) => {
        blocks = how?.blocks ?? 0
      },
    })
    one.drainLocal(0, 0)
    expect([blocks, one.buddies[0]!.blocks[10], one.blocks!.owned]).toEqual([1, 1, 0])
  })

  test('comes back for the parts of its block that a drain left in the zone', () => {
    const one = fastOf(choiceOf(roomy), allFree)
    const kept = one.alloc(0, 0, listOf(0, 1), 0, 1)
    one.drainLocal(0, 0)
    expect([one.count(0, 0), one.blocks!.owned]).toEqual([0, 1])
    expect(one.alloc(0, 0, listOf(0, 1), 0, 1)).toBe(kept + 1)
    expect(one.blocks!.owned).toBe(1)
  })

  test('takes parts where a whole block would lie above `high`', () => {
    const one = fastOf(choiceOf('batch=4,highMin=8,highMax=8'), allFree)
    one.alloc(0, 0, listOf(0, 1), 0, 1)
    expect([one.count(0, 0), one.blocks!.owned]).toEqual([3, 0])
    const any = fastOf(choiceOf('batch=4,highMin=8,highMax=8,room=any'), allFree)
    any.alloc(0, 0, listOf(0, 1), 0, 1)
    expect([any.count(0, 0), any.blocks!.owned]).toEqual([15, 1])
  })

  test('keeps pages that the machine lacks apart: they never merge, and vanish in the zone', () => {
    const one = fastOf(choiceOf('batch=4,highMin=64,highMax=64,frees=local'), { types: allMovable, free: [] }, 'borrow')
    const pages = [0, 1].map(() => one.alloc(0, 0, listOf(0, 1), 0, 1))
    for (const page of pages) one.free(0, 0, listOf(0, 1), page, 0)
    one.drainLocal(0, 0)
    expect([one.borrowed, one.owed, one.count(0, 0)]).toEqual([2, 0, 0])
  })
})

const step = fc.record({
  what: fc.constantFrom('alloc', 'alloc', 'alloc', 'free', 'free', 'drain', 'tick'),
  cpu: fc.nat(CPUS - 1),
  order: fc.constantFrom(0, 0, 0, 0, 1, 2, 3),
  type: fc.nat(2),
  times: fc.integer({ min: 1, max: 12 }),
  pick: fc.nat(1e6),
})
const wish = fc.record({
  batch: fc.integer({ min: 1, max: 8 }),
  highMin: fc.integer({ min: 1, max: 40 }),
  room: fc.nat(60),
  braces: fc.tuple(
    fc.constantFrom('frees=owner', 'frees=owner', 'frees=local'),
    fc.constantFrom('room=high', 'room=any'),
    fc.constantFrom('parts=wanted', 'parts=largest'),
    fc.constantFrom('steals=rest', 'steals=nothing-else'),
    fc.constantFrom('givesBack=fitting', 'givesBack=largest'),
  ),
})
/** Of every 64 pages one free block: whole pageblocks, larger ones, and parts. */
const start = fc.record({
  types: fc.array(fc.constantFrom(0, 1, 1, 2), { minLength: 64, maxLength: 64 }),
  orders: fc.array(fc.constantFrom(0, 2, 3, 4, 4, 5, 6), { minLength: 1, maxLength: 16 }),
})

test('fast and slow agree on every page of random streams', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 24 }), wish, start, (steps, { batch, highMin, room, braces }, given) => {
      const choice = choiceOf([`batch=${batch},highMin=${highMin},highMax=${highMin + room}`, ...braces].join())
      const from = { types: given.types, free: given.orders.map((order, slot) => ({ pfn: slot * 64, order })) }
      const fast = fastOf(choice, from)
      const slow = slowOf(choice, from)
      const rules = choice.lists.create(choice.listParams as never, { machine, zone })
      const held: { pfn: number; order: number; type: number }[] = []
      for (const { what, cpu, order, type, times, pick } of steps) {
        if (what === 'drain') {
          fast.drainLocal(cpu, 0)
          slow.giveBack(cpu, slow.count(cpu), slow.count(cpu), 0)
        }
        if (what === 'tick') {
          fast.tick(cpu)
          const pages = rules.onTick!(slow.pcps[cpu]!)
          if (pages > 0) slow.giveBack(cpu, pages, rules.tickChunk!(slow.pcps[cpu]!), 0)
        }
        for (let time = 0; time < times && what === 'alloc'; time++) {
          const pfn = fast.alloc(cpu, 0, listOf(order, type), order, type)
          expect(pfn).toBe(slow.alloc(cpu, order, type) ?? -1)
          if (pfn >= 0) held.push({ pfn, order, type })
        }
        for (let time = 0; time < times && what === 'free' && held.length > 0; time++) {
          const [block] = held.splice(pick % held.length, 1)
          const owner = fast.cpuFor(cpu, 0, block!.pfn)
          fast.free(owner, 0, listOf(block!.order, block!.type), block!.pfn, block!.order, cpu)
          slow.free(cpu, block!.pfn, block!.order, block!.type)
        }
        expect(fast.pcps.map(({ count, high }) => [count, high])).toEqual(
          slow.pcps.map(({ count, high }) => [count, high]),
        )
      }
      const listed: [number, number][] = []
      fast.blocks!.each((page, order) => listed.push([page, order]))
      const ascending = (blocks: [number, number][]) => blocks.sort(([a], [b]) => a - b)
      expect(ascending(listed)).toEqual(
        ascending(slow.lists.flat().map(({ pfn, order }): [number, number] => [pfn, order])),
      )
      const free: [number, number][] = []
      fast.buddies[0]!.eachBlock((pfn, order) => free.push([pfn, order]))
      expect(free).toEqual(ascending(slow.buddy.all().map(({ block }): [number, number] => [block.pfn, block.order])))
      expect([fast.blocks!.owned, fast.blocks!.fromAfar()]).toEqual([slow.owners.size, slow.strandedPages()])
    }),
    { numRuns: streams(300) },
  )
})
