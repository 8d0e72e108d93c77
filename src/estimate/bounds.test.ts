import { expect, test } from 'vitest'
import { Ask, DemandBuilder } from '#events/demand'
import { scriptOf } from '../record/script-of.ts'
import { record } from '../replay/recorder.ts'
import { machine } from '../replay/testing/story.ts'
import { infer } from './inferred.ts'

/** Blocks of eight UNMOVABLE pages fill the lists of a 6.1, single pages follow. zoneinfo counts `fewer` MOVABLE pages than lie there since before. */
function filledByBlocks(blocks: number, fewer: number) {
  const builder = new DemandBuilder()
  const task = builder.task(7, 'task')
  let now = 0
  const ask = (what: number, block: number, order: number) =>
    builder.push({ time: now++, ask: what, cpu: 0, task, block, order, migratetype: 0 })
  const large = Array.from({ length: blocks }, (_, block) => block)
  const small = Array.from({ length: 40 }, (_, block) => 100 + block)
  for (const block of large) ask(Ask.alloc, block, 3)
  for (const block of small) ask(Ask.alloc, block, 0)
  for (const block of large) ask(Ask.free, block, 3)
  for (const block of small) ask(Ask.free, block, 0)
  const { events, machine: of } = record(
    builder.finish(),
    machine({ release: '6.1.192', cpus: 1, batch: 4, high: 60, count: 20, managed: 8192 }),
  )
  const zones = of.zones.map((zone) => ({
    ...zone,
    pagesets: zone.pagesets.map((set) => ({ ...set, count: set.count - fewer })),
  }))
  const { run, freeRun } = infer(scriptOf({ events, machine: { ...of, zones } }))
  return { run, freeRun, count: of.zonesAfter[0]!.pagesets[0]!.count }
}

test('a block that crosses the limit proves the count within its size; later frees narrow it, and what narrows is not scored', () => {
  for (let blocks = 4; blocks < 10; blocks++)
    for (const fewer of [0, 3, 13]) {
      const { run, freeRun, count } = filledByBlocks(blocks, fewer)
      expect([...run.misses, ...freeRun.misses]).toEqual([])
      expect([run.finalCounts[0], freeRun.finalCounts[0]]).toEqual([count, count])
    }
})
