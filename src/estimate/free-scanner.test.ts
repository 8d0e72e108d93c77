import { expect, test } from 'vitest'
import { machine } from '../replay/testing/story.ts'
import { Buddy } from '../sim/buddy.ts'
import { FreeScanner } from './free-scanner.ts'

const zone = machine({ managed: 4096 }).zones[0]!

/** Free blocks, all of them settled but the pages `shown`, in pageblocks of these types: what the scanner takes, one page after another. */
function taken(
  types: readonly number[],
  blocks: readonly (readonly [number, number])[],
  shown: readonly number[] = [],
) {
  const buddy = new Buddy(zone, 9, 'steal', Uint8Array.from(types))
  for (const [pfn, order] of blocks) buddy.put(pfn, order)
  const scanner = new FreeScanner(buddy, zone, 9)
  const free = () => Array.from({ length: 4096 }, (_, pfn) => pfn).filter((pfn) => buddy.orderAround(pfn) >= 0)
  for (const pfn of free()) if (!shown.includes(pfn)) scanner.settle(pfn)
  const pfns: number[] = []
  for (let before = free(); scanner.take(); before = free())
    pfns.push(before.find((pfn) => buddy.orderAround(pfn) < 0)!)
  return pfns
}

test('compaction takes its targets from the last MOVABLE block that is not free as a whole, and goes down from there', () => {
  const blocks = [
    [7 * 512, 9],
    [6 * 512, 2],
    [5 * 512 + 8, 1],
    [5 * 512, 0],
    [4 * 512 + 3, 0],
  ] as const
  expect(taken([1, 1, 1, 1, 1, 1, 0, 1], blocks)).toEqual([5 * 512, 5 * 512 + 8, 5 * 512 + 9, 4 * 512 + 3])
})

test('a page that the record shows again it did not take', () => {
  expect(taken([1], [[8, 2]], [9, 10])).toEqual([8, 11])
})

test('it goes on where it was, and begins again at the end of the zone', () => {
  const buddy = new Buddy(zone, 9, 'steal', new Uint8Array(8).fill(1))
  const scanner = new FreeScanner(buddy, zone, 9)
  const freed = (pfn: number) => {
    buddy.put(pfn, 0)
    scanner.settle(pfn)
  }
  for (const pfn of [700, 702, 100]) freed(pfn)
  expect([scanner.take(), buddy.orderAround(700) >= 0]).toEqual([true, false])
  freed(4000)
  expect([scanner.take(), buddy.orderAround(702) >= 0]).toEqual([true, false])
  expect([scanner.take(), buddy.orderAround(100) >= 0]).toEqual([true, false])
  expect([scanner.take(), buddy.orderAround(4000) >= 0]).toEqual([true, false])
  expect(scanner.take()).toBe(false)
})
