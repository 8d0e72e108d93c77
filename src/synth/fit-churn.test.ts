import { expect, test } from 'vitest'
import { Ask, DemandBuilder } from '#events/demand'
import type { Machine } from '#kernel'
import { fitChurn } from './fit-churn.ts'

const MS = 1e6
/** When the pages of a burst are allocated, ns after it begins: a gap five times the usual one begins no other. */
const BURST = [0, 1000, 2000, 7000]

test('bursts are distinguished by long gaps; what is held is held from the middle of the burst', () => {
  const builder = new DemandBuilder()
  const task = builder.task(7, 'task')
  for (const [n, begin] of [0, 100 * MS].entries()) {
    const one = (at: number) => ({ cpu: 0, task, block: n * BURST.length + at, order: 0, migratetype: 1 })
    for (const [at, ns] of BURST.entries()) builder.push({ time: begin + ns, ask: Ask.alloc, ...one(at) })
    for (const [at, ns] of BURST.entries()) builder.push({ time: begin + ns + MS, ask: Ask.free, ...one(at) })
  }
  const fitted = fitChurn(builder.finish(), { cpus: [0], zones: [] } as unknown as Machine)
  expect(fitted).toMatchObject({ burstPages: 4, pageNs: 1000, crossShare: 0, listedShare: 0, holdMs: 1 - 0.002 })
})
