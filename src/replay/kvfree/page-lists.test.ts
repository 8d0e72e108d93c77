import fc from 'fast-check'
import { expect, test } from 'vitest'
import { PageLists } from './page-lists.ts'

const sizes = { pcpHigh: 12, pcpBatch: 4 }

test('an empty list is refilled by a batch, a full one gives a batch back', () => {
  const lists = new PageLists(1, sizes)
  expect(lists.takeListed(0)).toBe(false)
  lists.take(0, 1)
  expect(lists.outside).toBe(4)
  for (let page = 0; page < 3; page++) expect(lists.takeListed(0)).toBe(true)
  expect(lists.takeListed(0)).toBe(false)
  lists.take(0, 8)
  lists.give(0, 11)
  expect(lists.outside).toBe(12)
  lists.give(0, 1)
  expect(lists.outside).toBe(8)
})

test('objects take a page when the slab is used up, and give one back when a slab’s worth was freed', () => {
  const lists = new PageLists(2, sizes)
  lists.allocated(0, 32 * 129)
  // A page freed on another CPU comes to lie on that CPU's list.
  lists.freed(1, 32 * 127)
  expect(lists.takeListed(1)).toBe(false)
  lists.freed(1, 32)
  expect(lists.takeListed(1)).toBe(true)
  expect([lists.takeListed(0), lists.takeListed(0), lists.takeListed(0)]).toEqual([true, true, false])
})

test('many pages at once are the same as one after another, and pages outside the zone are in use or on a list', () => {
  const step = fc.record({
    cpu: fc.nat({ max: 1 }),
    pages: fc.integer({ min: 1, max: 40 }),
    gives: fc.boolean(),
  })
  fc.assert(
    fc.property(
      fc.array(step),
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 1, max: 40 }),
      (steps, batch, more) => {
        const own = { pcpBatch: batch, pcpHigh: batch + more }
        const lists = new PageLists(2, own)
        const counts = [0, 0]
        let outside = 0
        let inUse = 0
        for (const { cpu, pages, gives } of steps) {
          const n = gives ? Math.min(pages, inUse) : pages
          inUse += gives ? -n : n
          for (let page = 0; page < n; page++) {
            if (gives) {
              counts[cpu]!++
              if (counts[cpu]! < own.pcpHigh) continue
              counts[cpu]! -= batch
              outside -= batch
            } else {
              if (counts[cpu] === 0) {
                counts[cpu] = batch
                outside += batch
              }
              counts[cpu]!--
            }
          }
          if (gives && n > 0) lists.give(cpu, n)
          if (!gives) lists.take(cpu, n)
          expect(lists.outside).toBe(outside)
          expect(outside).toBe(inUse + counts[0]! + counts[1]!)
        }
        for (const cpu of [0, 1]) {
          let listed = 0
          while (lists.takeListed(cpu)) listed++
          expect(listed).toBe(counts[cpu])
        }
      },
    ),
  )
})
