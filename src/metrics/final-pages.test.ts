import { expect, test } from 'vitest'
import type { RecordedPages } from '#estimate'
import type { Zone } from '#kernel'
import type { Script } from '#record'
import { freePages, listCounts } from './final-pages.ts'

const zone = {
  node: 0,
  name: 'Normal',
  free: 3990,
  pagesets: [{ cpu: 0, count: 175, high: 1949, batch: 63 }],
} as unknown as Zone
const buddy = (...blocks: number[]) => [{ node: 0, zone: 'Normal', blocks }]
const script = {
  zones: [zone],
  machine: { zonesAfter: [zone], buddyBefore: buddy(0, 0), buddyAfter: buddy(0, 2000) },
} as unknown as Script
const later = [{ cpu: 0, zone: 0, pages: 189, batch: 63, lens: [0, 0] }]
const since = { refills: later, ticked: [{ pfn: [], order: [] }] }

test('a list count stays as predicted; what was fetched after the trace stands beside it', () => {
  const run = { finalCounts: Int32Array.of(0), finalHighs: Int32Array.of(1760) }
  expect(listCounts(script, run, later)).toEqual([
    {
      cpu: 0,
      node: 0,
      zone: 'Normal',
      recorded: 175,
      predicted: 0,
      within: false,
      high: { recorded: 1949, predicted: 1760 },
      refilledAfter: 189,
    },
  ])
  expect(listCounts(script, run, [])[0]).not.toHaveProperty('refilledAfter')
})

test('free blocks stay as predicted; less what was fetched since they stand beside', () => {
  const run: RecordedPages = {
    zones: [{ blocks: [189, 2000], blocksLater: [0, 2000], compacted: 0, contradictions: 0 }],
  }
  const [line] = freePages(script, run, since)
  expect(line).toMatchObject({ predicted: [189, 2000], byZoneinfo: 3990, ordersWithin: [false, true] })
  expect(line!.pages).toEqual({ recorded: 4000, predicted: 4189, within: false })
  expect(line!.later).toEqual({
    refilled: 189,
    givenBack: 0,
    predicted: [0, 2000],
    pages: { recorded: 4000, predicted: 4000, within: true },
    ordersWithin: [true, true],
  })
  const ticked = [{ pfn: [8, 16], order: [1, 3] }]
  expect(freePages(script, run, { refills: [], ticked })[0]!.later).toMatchObject({ refilled: 0, givenBack: 10 })
  expect(freePages(script, run, { ...since, refills: [] })[0]).not.toHaveProperty('later')
})
