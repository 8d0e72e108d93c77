import { expect, test } from 'vitest'
import type { Zone } from '#kernel'
import { Buddy } from './buddy.ts'

const zone: Zone = {
  node: 0,
  name: 'DMA',
  startPfn: 0,
  spanned: 2 << 13,
  present: 2 << 13,
  managed: 2 << 13,
  free: 0,
  min: 0,
  low: 0,
  high: 0,
  pagesets: [],
}

test('with pages of 64 KiB blocks grow to order 13: two halves merge, and a page splits the whole', () => {
  const buddy = new Buddy(zone, 13, 'claim', Uint8Array.of(1, 1), 13)
  buddy.release(0, 12)
  buddy.release(1 << 12, 12)
  expect([...buddy.blocks]).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1])
  expect(buddy.take(0, 1)).toBe(0)
  expect([...buddy.blocks]).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0])
  expect(buddy.take(13, 1)).toBe(-1)
})
