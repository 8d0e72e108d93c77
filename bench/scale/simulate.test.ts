import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type Costs, type Fleet, simulate, type Work } from './simulate.ts'
import { scaleTable, works } from './table.ts'

const costs: Costs = {
  prepareNsPerEvent: 1000,
  runNsPerEvent: 50,
  bytesPerEvent: 6,
  memoryPerEvent: 100,
  workerMsPerJob: 2,
  serverMsPerJob: 1,
  plannerMsPerJob: 1,
  plannerMsPerRun: 0.1,
}
const fleet: Fleet = { hosts: 4, threads: 8, memory: 64e9, link: 1e9, store: 20e9, serverCores: 4 }
const work: Work = { captures: 3200, events: 1e6, runs: 10 }

test('where nothing is short, time is work over cores', () => {
  const { seconds, busy } = simulate(work, fleet, costs)
  const job = 1e6 * (1000 + 10 * 50) * 1e-9 + 0.002
  expect(seconds / ((3200 * job) / 32)).toBeCloseTo(1, 1)
  expect(busy.cpus).toBeGreaterThan(0.95)
})

test('a counter that is too small sets the pace, and more hosts help no more', () => {
  const slow = { ...costs, serverMsPerJob: 400 }
  const [few, many] = [4, 400].map((hosts) => simulate(work, { ...fleet, hosts }, slow)) as [never, never]
  const least = (3200 * 0.4) / fleet.serverCores
  for (const { seconds, busy } of [few, many] as ReturnType<typeof simulate>[]) {
    expect(seconds).toBeGreaterThanOrEqual(least)
    expect(seconds).toBeLessThan(least * 1.1)
    expect(busy.queue).toBeGreaterThan(0.9)
  }
})

test('short of memory, threads share captures: the same work, slower to read', () => {
  const roomy = simulate(work, fleet, costs)
  const tight = simulate(work, { ...fleet, memory: 2e8 }, costs)
  expect(tight.seconds).toBeGreaterThan(roomy.seconds)
  expect(tight.busy.cpus).toBeLessThan(roomy.busy.cpus)
})

test('docs/scale.md has the tables that its measurements give', () => {
  const docs = join(import.meta.dirname, '../../docs')
  const page = readFileSync(join(docs, 'scale.md'), 'utf8')
  const measured = JSON.parse(readFileSync(join(docs, 'scale/measured.json'), 'utf8')) as { costs: Costs }
  // The second is a million jobs; the first says enough of the way.
  expect(page).toContain(scaleTable(works[0]!.work, measured.costs))
})
