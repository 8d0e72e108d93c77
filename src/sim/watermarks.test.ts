import { describe, expect, test } from 'vitest'
import { type Machine, unknownMachine, type Zone } from '#kernel'
import { Buddy } from './buddy.ts'
import { Watermarks } from './watermarks.ts'

const zone: Zone = {
  node: 0,
  name: 'Normal',
  startPfn: 0,
  spanned: 8192,
  present: 8192,
  managed: 8192,
  free: 8192,
  min: 512,
  low: 640,
  high: 768,
  pagesets: [],
}
const machine = (sysctls: Record<string, string> = {}): Machine => ({
  ...unknownMachine,
  pageblockOrder: 9,
  zones: [zone],
  sysctls,
})
const marks = (of: Zone = zone, sysctls: Record<string, string> = {}) =>
  new Watermarks({ machine: machine(sysctls), zones: [of] })

describe('the high watermark of a zone', () => {
  test('is raised by a pageblock for each that a fallback breaks into, to 2.5 times at most', () => {
    const watermarks = marks()
    watermarks.raise(0, 1)
    expect(watermarks.high[0]).toBe(768 + 512)
    watermarks.raise(0, 9)
    expect(watermarks.high[0]).toBe(768 + 1152)
  })

  test('falls by what kswapd found as it began, once it has balanced', () => {
    const watermarks = marks()
    watermarks.raise(0, 1)
    watermarks.balance(0, true)
    watermarks.raise(0, 1)
    watermarks.balance(0, false)
    expect(watermarks.high[0]).toBe(768 + 512)
  })

  test('has the boost in it that zoneinfo printed', () => {
    const watermarks = marks({ ...zone, high: 1280, boost: 512 })
    watermarks.balance(0, true)
    watermarks.balance(0, false)
    expect(watermarks.high[0]).toBe(768)
  })

  test('stays where vm.watermark_boost_factor is 0, and in zones of fewer than four pageblocks', () => {
    const still = [marks(zone, { 'vm.watermark_boost_factor': '0' }), marks({ ...zone, managed: 2047 })]
    for (const watermarks of still) watermarks.raise(0, 1)
    expect(still.map(({ high }) => high[0])).toEqual([768, 768])
  })
})

test('one hold of zone->lock looks at pageblocks of another type until it finds nothing to claim', () => {
  const buddy = new Buddy(zone, 9, 'claim', new Uint8Array(16).fill(1))
  // Two free blocks of a half-used MOVABLE pageblock: too little to claim it.
  buddy.put(0, 5)
  buddy.put(64, 5)
  buddy.begin()
  const looked = [0, 1].map(() => {
    buddy.take(0, 0)
    return buddy.looked
  })
  buddy.begin()
  buddy.take(0, 0)
  expect([...looked, buddy.looked].map((looks) => looks > 0)).toEqual([true, false, true])
})
