import { expect, test } from 'vitest'
import { Ask, DemandBuilder } from '#events/demand'
import type { Order } from '#kernel'
import { scriptOf } from '../record/script-of.ts'
import { record } from '../replay/recorder.ts'
import { machine } from '../replay/testing/story.ts'
import { infer } from './inferred.ts'

/**
 * Blocks of UNMOVABLE pages fill the lists of a 6.1, whose limit is no multiple of a block; single pages follow. zoneinfo counts `fewer`
 * MOVABLE pages than lie there since before.
 */
function filledByBlocks(order: Order, blocks: number, fewer: number) {
  const builder = new DemandBuilder()
  const task = builder.task(7, 'task')
  let now = 0
  const ask = (what: number, block: number, of: Order) =>
    builder.push({ time: now++, ask: what, cpu: 0, task, block, order: of, migratetype: 0 })
  const large = Array.from({ length: blocks }, (_, block) => block)
  const small = Array.from({ length: 10 }, (_, block) => 100 + block)
  for (const block of large) ask(Ask.alloc, block, order)
  for (const block of small) ask(Ask.alloc, block, 0)
  for (const block of large) ask(Ask.free, block, order)
  for (const block of small) ask(Ask.free, block, 0)
  const { events, machine: of } = record(
    builder.finish(),
    machine({ release: '6.1.192', cpus: 1, batch: 4, high: 61, count: 20, managed: 8192 }),
  )
  const zones = of.zones.map((zone) => ({
    ...zone,
    pagesets: zone.pagesets.map((set) => ({ ...set, count: set.count - fewer })),
  }))
  const { run, freeRun } = infer(scriptOf({ events, machine: { ...of, zones } }))
  return { run, freeRun, count: of.zonesAfter[0]!.pagesets[0]!.count }
}

// `reaching`: so many blocks reach the limit. Taken for exact, the count that such a block proves makes later bulk frees come early, late or too small: most of these stories fail.
test.each([
  [1, 15],
  [2, 7],
  [3, 3],
])(
  'a block of order %i that crosses the limit proves the count within its size; later frees narrow it, and what narrows is not scored',
  (order, reaching) => {
    for (let blocks = reaching; blocks < reaching + 8; blocks++)
      for (const fewer of [0, 3, 13]) {
        const { run, freeRun, count } = filledByBlocks(order, blocks, fewer)
        expect([...run.misses, ...freeRun.misses]).toEqual([])
        expect([run.finalCounts[0], freeRun.finalCounts[0]]).toEqual([count, count])
      }
  },
)
