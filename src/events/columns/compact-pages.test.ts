import fc from 'fast-check'
import { expect, test } from 'vitest'
import { unknownMachine, type Zone } from '#kernel'
import { EventBuilder, type Events } from '../events.ts'
import { compactPages } from './compact-pages.ts'

function eventsOf(pages: readonly (readonly [pfn: number, order: number])[]): Events {
  const builder = new EventBuilder()
  for (const [pfn, order] of pages)
    builder.addEvent({ event: 'mm_page_alloc', time: 0, cpu: 0, pfn, order, migratetype: 1, gfpFlags: 0 })
  return builder.finish()
}

const zone = (name: string, startPfn: number, spanned: number): Zone => ({
  node: 0,
  name,
  startPfn,
  spanned,
  present: spanned,
  managed: spanned,
  free: 1000,
  min: 10,
  low: 20,
  high: 30,
  pagesets: [],
})

const pagesOf = ({ events }: { events: Events }): number[] => [...events.tables.mm_page_alloc.column.pfn.data]

test('a machine of usual size stays as it is', () => {
  const recording = { events: eventsOf([[0x1000, 0]]), machine: unknownMachine }
  const compact = compactPages(recording)
  expect(compact.events).toBe(recording.events)
  expect(compact.machine).toBe(recording.machine)
})

test('without zoneinfo, only blocks with pages of the trace are left', () => {
  const recording = {
    events: eventsOf([
      [0x1000, 0],
      [0xffff_fff0, 2],
      [0x1001, 0],
    ]),
    machine: unknownMachine,
  }
  expect(pagesOf(compactPages(recording))).toEqual([0, 2048 - 16, 1])
})

test('a zone of terabytes keeps its counts, and some pages that nothing touched', () => {
  const machine = { ...unknownMachine, zones: [zone('DMA32', 0x1000, 0xff000), zone('Normal', 0x10_0000, 2 ** 31)] }
  const compact = compactPages({
    events: eventsOf([
      [0x10_0000, 3],
      [0x7000_0000, 0],
      [0x2000, 0],
    ]),
    machine,
  })
  const [low, high] = compact.machine.zones as [Zone, Zone]
  expect(low.spanned + high.spanned).toBeLessThanOrEqual(2 ** 23)
  expect(high.spanned).toBeGreaterThan(2 ** 22)
  expect(high).toMatchObject({ managed: 2 ** 31, free: 1000 })
  const [first, far, other] = pagesOf(compact) as [number, number, number]
  expect(first).toBe(high.startPfn)
  expect(far).toBeLessThan(high.startPfn + high.spanned)
  expect(other).toBeGreaterThanOrEqual(low.startPfn)
  expect(other).toBeLessThan(low.startPfn + low.spanned)
})

test('a page keeps its place in its block, order among pages, its zone, and whether it is another page', () => {
  const anyPages = fc.array(
    fc.tuple(fc.integer({ min: 0, max: 2 ** 30 }), fc.integer({ min: 0, max: 10 })).map(
      // Blocks are aligned to their size.
      ([pfn, order]) => [pfn - (pfn % 2 ** order), order] as const,
    ),
    { minLength: 1, maxLength: 40 },
  )
  fc.assert(
    fc.property(anyPages, fc.integer({ min: 1, max: 2 ** 30 }), (pages, split) => {
      const zones = [zone('A', 0, split), zone('B', split, 2 ** 31 - split)]
      const compact = compactPages({ events: eventsOf(pages), machine: { ...unknownMachine, zones } }, 2 ** 14)
      const after = pagesOf(compact)
      const [a, b] = compact.machine.zones as [Zone, Zone]
      pages.forEach(([pfn], at) => {
        expect(after[at]! % 1024).toBe(pfn % 1024)
        expect(after[at]! < a.startPfn + a.spanned).toBe(pfn < split)
        expect(after[at]! >= b.startPfn).toBe(pfn >= split)
        pages.forEach(([other], to) => {
          expect(Math.sign(after[at]! - after[to]!)).toBe(Math.sign(pfn - other))
        })
      })
    }),
    { numRuns: 50 },
  )
})

test('a trace that touches more blocks than a replay can have arrays for is refused', () => {
  const pages = Array.from({ length: 2 ** 17 + 1 }, (_, block) => [block * 1024 * 8, 0] as const)
  expect(() => compactPages({ events: eventsOf(pages), machine: unknownMachine })).toThrow(/touches 131073 blocks/)
})
