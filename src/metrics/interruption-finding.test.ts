import { expect, test } from 'vitest'
import { headlineOf } from './headline.ts'
import type { Fidelity, Run } from './schemas.ts'

const run = (policy: string, interruptions: Record<string, number>, more: Partial<Run['work']> = {}): Run =>
  ({
    policy,
    lists: 'linux-5.10',
    interruptions,
    work: {
      interruptions: Object.values(interruptions).reduce((sum, times) => sum + times, 0),
      allocsFromList: 900,
      gracePeriodWaits: 0,
      zoneLockPages: 1000,
      zoneLocks: 100,
      ...more,
    },
  }) as unknown as Run

const score = { recorded: 10, predicted: 10, exact: 10 }
const fidelity = (recorded: Record<string, number>) =>
  ({
    pcp: {
      policy: 'pcp/linux-5.10',
      refills: score,
      drainBursts: score,
      interruptions: { recorded, predicted: recorded },
      perCpu: [],
      withoutResync: { refills: score, drainBursts: score },
    },
  }) as unknown as Fidelity

const recording = { name: 'drain', machine: { release: { text: '5.10.223' } } } as never
const finding = (recorded: Record<string, number>, baseline: string, ...runs: Run[]) =>
  headlineOf({ recording, fidelity: fidelity(recorded), isolated: [3] }, runs, baseline).split(' kreplay ')[0]

test('the finding names the record beside what the baseline makes of it, and how many others do as well', () => {
  const runs = [
    run('pcp/linux-5.10', { 0: 6, 3: 4 }),
    run('pcp/spinlock', {}),
    run('pcp/trylock', {}, { zoneLockPages: 1001 }),
    run('pcp/none', {}, { allocsFromList: 0 }),
  ]
  expect(finding({ 0: 5, 3: 3 }, 'pcp/linux-5.10', ...runs)).toBe(
    'On drain (Linux 5.10.223), pcp/spinlock interrupts no CPU (nor does 1 other) where pcp/linux-5.10 does so 10 times (4 on isolated CPU 3; as recorded 8 and 3), and moves about as many pages under zone->lock.',
  )
})

test('where the baseline does what was recorded, that is said once', () => {
  const runs = [run('pcp/linux-5.10', { 0: 6, 3: 4 }), run('pcp/trylock', {})]
  expect(finding({ 0: 6, 3: 4 }, 'pcp/linux-5.10', ...runs)).toContain(
    '10 times (4 on isolated CPU 3, as recorded), and',
  )
})

test('what another baseline does is not held against the record', () => {
  const runs = [run('pcp/linux-5.10{workDelayNs=5}', { 0: 6, 3: 4 }), run('pcp/trylock', {})]
  expect(finding({ 0: 5, 3: 3 }, 'pcp/linux-5.10{workDelayNs=5}', ...runs)).toContain(
    '10 times (4 on isolated CPU 3), and',
  )
})

test('what could not be scored is not said to be reproduced', () => {
  const covered = fidelity({})
  covered.pcp!.coverage = {
    drainedPages: { inTrace: 50, scored: 45 },
    refills: { inTrace: 12, scored: 10 },
    drainBursts: { inTrace: 10, scored: 10 },
  }
  const runs = [run('pcp/linux-5.10', { 0: 1 }), run('pcp/trylock', {})]
  const said = headlineOf({ recording, fidelity: covered, isolated: [] }, runs, 'pcp/linux-5.10')
  expect(said).toContain('reproduces exactly all 10 refills scored (12 were recorded) and all 10 drain bursts.')
})
