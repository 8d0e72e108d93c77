import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { machine } from '../replay/testing/story.ts'
import { streams } from '../testing/times.ts'
import { Buddy } from './buddy.ts'
import type { FallbackFamily } from './fallback.ts'
import { SlowBuddy } from './testing/slow-buddy.ts'

const PAGES = 4096
const zone = machine({ managed: PAGES }).zones[0]!
const families: FallbackFamily[] = ['steal', 'claim']

const buddyOf = (types: readonly number[], family: FallbackFamily, pageblockOrder = 9) =>
  new Buddy(zone, pageblockOrder, family, Uint8Array.from(types))
const blocksOf = (buddy: Buddy) => {
  const blocks: [number, number][] = []
  buddy.eachBlock((pfn, order) => blocks.push([pfn, order]))
  return blocks
}
const allMovable = Array<number>(8).fill(1)

describe('small stories', () => {
  test('a split block hands out its pages from the lowest on, and merges again when all are back', () => {
    const buddy = buddyOf(allMovable, 'steal')
    buddy.put(0, 3)
    const pages = Array.from({ length: 8 }, () => buddy.take(0, 1))
    expect(pages).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
    expect(buddy.take(0, 1)).toBe(-1)
    for (const page of [3, 0, 7, 1, 6, 2, 5, 4]) buddy.release(page, 0)
    expect(blocksOf(buddy)).toEqual([[0, 3]])
  })

  test('the smallest block that fits goes first, the last one freed before older ones', () => {
    const buddy = buddyOf(allMovable, 'steal')
    buddy.put(512, 3)
    for (const page of [10, 20, 30]) buddy.release(page, 0)
    expect([buddy.take(0, 1), buddy.take(0, 1), buddy.take(0, 1), buddy.take(0, 1)]).toEqual([30, 20, 10, 512])
  })

  test('5.10: an UNMOVABLE request makes a large MOVABLE block its own; its rest serves UNMOVABLE from then on', () => {
    const buddy = buddyOf(allMovable, 'steal')
    buddy.put(512, 9)
    expect([buddy.take(0, 0), buddy.take(0, 0)]).toEqual([512, 513])
    expect([buddy.fallbacks, buddy.claims]).toEqual([1, 1])
  })

  test('6.12: a small fallback leaves its rest with its own type', () => {
    const buddy = buddyOf([0, ...allMovable.slice(1)], 'claim')
    buddy.put(0, 2)
    expect(buddy.take(0, 1)).toBe(0)
    // What is left is still UNMOVABLE: the next MOVABLE request falls back again.
    expect(buddy.take(0, 1)).toBe(1)
    expect(buddy.fallbacks).toBe(2)
  })

  test('5.10: the same fallback moves the block to the request’s lists', () => {
    const buddy = buddyOf([0, ...allMovable.slice(1)], 'steal')
    buddy.put(0, 2)
    expect([buddy.take(0, 1), buddy.take(0, 1)]).toEqual([0, 1])
    expect(buddy.fallbacks).toBe(1)
  })

  test('a recorded page is taken out of the block around it', () => {
    const buddy = buddyOf(allMovable, 'steal')
    buddy.put(1024, 10)
    expect(buddy.takeAt(1029, 0)).toBe(true)
    expect(buddy.takeAt(1029, 0)).toBe(false)
    expect([...buddy.blocks]).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0])
    expect(buddy.free).toBe(1023)
  })
})

describe('laws', () => {
  const anySteps = fc.array(fc.tuple(fc.nat(9), fc.constantFrom(0, 0, 0, 0, 1, 2, 3, 4), fc.nat(2), fc.nat(1e6)), {
    maxLength: 120,
  })
  /** Free blocks at the start, one in every 128 pages. Few and small ones run out, so that requests fall back. */
  const anyBlocks = fc.array(fc.constantFrom(0, 1, 2, 3, 3, 4, 4, 5, 6), { minLength: 1, maxLength: 16 })
  const anyTypes = fc.array(fc.constantFrom(0, 1, 1, 1, 2, 3), { minLength: 8, maxLength: 8 })

  test('it agrees with the slow, obvious one on every page', () => {
    fc.assert(
      fc.property(
        anySteps,
        anyTypes,
        fc.constantFrom(...families),
        fc.constantFrom(9, 8),
        anyBlocks,
        (steps, types, family, blockOrder, blocks) => {
          const all = blockOrder === 9 ? types : types.flatMap((type) => [type, type])
          const fast = buddyOf(all, family, blockOrder)
          const slow = new SlowBuddy([...all], blockOrder, family)
          blocks.forEach((order, slot) => {
            const pfn = slot * 128
            fast.put(pfn, order)
            slow.list(order, slow.typeOf(pfn)).push({ pfn, order })
          })
          const held: [number, number][] = []
          for (const [verb, order, type, pick] of steps) {
            if (verb < 4 && held.length > 0) {
              const [block] = held.splice(pick % held.length, 1)
              fast.release(...block!)
              slow.release(...block!)
            } else {
              const pfn = fast.take(order, type)
              expect(pfn).toBe(slow.take(order, type))
              if (pfn >= 0) held.push([pfn, order])
            }
          }
          const plain = slow.all().map(({ block }) => [block.pfn, block.order] as [number, number])
          expect(blocksOf(fast)).toEqual(plain.sort(([a], [b]) => a - b))
          expect(fast.free).toBe(plain.reduce((sum, [, order]) => sum + 2 ** order, 0))
        },
      ),
      { numRuns: streams(300) },
    )
  })

  test('free pages never overlap, and what was free is free again when all is given back', () => {
    fc.assert(
      fc.property(anySteps, fc.constantFrom(...families), (steps, family) => {
        const buddy = buddyOf(allMovable, family)
        for (let block = 0; block < 4; block++) buddy.put(block * 1024, 10)
        const held: [number, number][] = []
        for (const [, order, type] of steps) {
          const pfn = buddy.take(order, type)
          if (pfn >= 0) held.push([pfn, order])
        }
        const owners = new Uint8Array(PAGES)
        const mark = (pfn: number, order: number) => {
          for (let page = pfn; page < pfn + 2 ** order; page++) owners[page]!++
        }
        for (const block of held) mark(...block)
        buddy.eachBlock(mark)
        expect(owners.every((count) => count === 1)).toBe(true)
        for (const block of held.reverse()) buddy.release(...block)
        expect([...buddy.blocks]).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4])
      }),
      { numRuns: 300 },
    )
  })
})
