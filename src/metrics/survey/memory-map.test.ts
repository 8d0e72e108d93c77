import { expect, test } from 'vitest'
import type { Events } from '#events'
import { MemoryBlocks } from './memory-map.ts'

/** Events at whole seconds, of which only the times matter here. */
const seconds = (length: number) =>
  ({ length, zero: 0, time: Float64Array.from({ length }, (_, at) => at * 1e9) }) as unknown as Events
const machine = { pageblockOrder: 9, pageSize: 4096 }

test('a page that is given back first was in use from the start; one that is taken first was free', () => {
  const memory = new MemoryBlocks(seconds(61), machine)
  memory.given(0, true, memory.stepOf(30))
  memory.taken(512, true, memory.stepOf(30))
  memory.taken(513, true, memory.stepOf(45))
  const map = memory.result()!
  expect(map).toMatchObject({
    blockPages: 512,
    pageBytes: 4096,
    rows: [
      { pfn: 0, blocks: 1 },
      { pfn: 512, blocks: 1 },
    ],
  })
  const at = (row: number, step: number) => [map.rows[row]!.used[step], map.rows[row]!.mixed[step]]
  expect([at(0, 29), at(0, 30)]).toEqual([
    [1, 0],
    [0, 0],
  ])
  expect([at(1, 29), at(1, 30), at(1, 45)]).toEqual([
    [0, 0],
    [0.5, 1],
    [1, 0],
  ])
})

test('a trace that touches very many blocks has larger ones, and no page is counted twice or lost', () => {
  const memory = new MemoryBlocks(seconds(2), machine)
  for (let block = 0; block < 20_000; block++) memory.taken(block * 512, true, 0)
  const { blockPages, rows } = memory.result()!
  expect(blockPages).toBe(2048)
  expect(rows.length).toBeLessThanOrEqual(64)
  expect(rows.reduce((sum, { blocks }) => sum + blocks, 0)).toBe(5000)
  expect(
    rows.every(({ used, mixed }) => used.every((share) => share === 1) && mixed.every((share) => share === 0)),
  ).toBe(true)
})
