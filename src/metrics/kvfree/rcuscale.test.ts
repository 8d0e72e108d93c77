import { expect, test } from 'vitest'
import { footprintMiB } from './rcuscale.ts'

const pages = (mib: number) => mib * 256

test('V5 of the reference: 100, 200 and 400 MB at the quarters print 262 MB', () => {
  expect(footprintMiB([0, 100, 200, 400].map(pages))).toBe(262)
})

test('what was in use before the first loop counts for nothing', () => {
  expect(footprintMiB([1000, 1100, 1200, 1400].map(pages))).toBe(262)
})

test('a constant backlog prints seven eighths of itself', () => {
  expect(footprintMiB([0, 80, 80, 80].map(pages))).toBe(70)
})
