import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ZoneSpans, zoneOf } from './zone-spans.ts'

const zone = (startPfn: number, end: number, present = end - startPfn) => ({
  startPfn,
  spanned: end - startPfn,
  present,
})

test('a page belongs to the zone whose span holds it, and to none in a gap or outside', () => {
  const zones = [zone(1, 4096), zone(4096, 1000), zone(0x100000, 0x200000)].map((one, at) =>
    at === 1 ? zone(4096, 0xc0000) : one,
  )
  expect([0, 1, 4095, 4096, 0xbffff, 0xc0000, 0x100000, 0x200000].map((pfn) => zoneOf(zones, pfn))).toEqual([
    undefined,
    0,
    0,
    1,
    1,
    undefined,
    2,
    undefined,
  ])
})

test('a node inside the span of another one has the pages of its own span', () => {
  // Node 0: 0–100 and 200–300; node 1: 100–200.
  const spans = new ZoneSpans([zone(0, 300, 200), zone(100, 200)])
  expect([0, 99, 100, 199, 200, 299].map((pfn) => spans.of(pfn))).toEqual([0, 0, 1, 1, 0, 0])
})

test('two interleaved nodes share the overlap as `present` says', () => {
  // Node 0: 0–100, 200–300; node 1: 100–200, 300–400.
  const spans = new ZoneSpans([zone(0, 300, 200), zone(100, 400, 200)])
  expect([99, 100, 199, 200, 299, 300, 399].map((pfn) => spans.of(pfn))).toEqual([0, 1, 1, 0, 0, 1, 1])
})

test('law: every page that some zone spans has a zone, and one that spans it', () => {
  const anyZone = fc
    .tuple(fc.integer({ min: 0, max: 200 }), fc.integer({ min: 1, max: 80 }), fc.integer({ min: 1, max: 80 }))
    .map(([start, spanned, present]) => zone(start, start + spanned, Math.min(present, spanned)))
  fc.assert(
    fc.property(fc.array(anyZone, { maxLength: 5 }), (zones) => {
      const spans = new ZoneSpans(zones)
      for (let pfn = 0; pfn < 300; pfn++) {
        const holding = zones.flatMap(({ startPfn, spanned }, at) =>
          pfn >= startPfn && pfn < startPfn + spanned ? [at] : [],
        )
        const found = spans.of(pfn)
        expect(holding.length === 0 ? found === -1 : holding.includes(found)).toBe(true)
      }
    }),
  )
})
