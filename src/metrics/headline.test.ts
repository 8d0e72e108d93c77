import { expect, test } from 'vitest'
import type { Recording } from '#events'
import { parseRelease } from '#kernel'
import { headlineOf } from './headline.ts'
import type { Fidelity, Run } from './schemas.ts'

/** A run by the halves of its policy. */
const run = (policy: string, lists: string, drain: string, interruptions: number, zoneLockPages: number) =>
  ({
    policy,
    lists,
    drain,
    interruptions: { 0: interruptions },
    work: { allocsFromList: 1000, interruptions, zoneLocks: 500, zoneLockPages, gracePeriodWaits: 0 },
  }) as unknown as Run

const told = (...runs: Run[]) =>
  headlineOf(
    {
      recording: { name: 'a', machine: { release: parseRelease('6.12.107') } } as unknown as Recording,
      fidelity: { pcp: undefined } as unknown as Fidelity,
      isolated: [],
    },
    runs,
    runs[0]!.policy,
  )

const work510 = run('pcp/linux-5.10', 'linux-5.10', 'work', 60, 9000)
const TOGETHER =
  'differ in list rules (linux-6.12, not linux-5.10) and in drain mechanism (trylock, not work): the change is of neither alone, and pcp/linux-5.10+trylock would tell them apart.'

test('where lists and drain both differ, the change is credited to neither', () => {
  expect(told(work510, run('pcp/trylock', 'linux-6.12', 'trylock', 0, 12_000))).toContain(TOGETHER)
  expect(
    told(run('pcp/linux-5.10', 'linux-5.10', 'work', 0, 9000), run('pcp/trylock', 'linux-6.12', 'trylock', 0, 6000)),
  ).toContain(TOGETHER)
})

test('a mechanism is not credited with the lists that it took from the recording kernel', () => {
  const linux61 = run('pcp/linux-6.1', 'linux-6.1', 'trylock', 0, 9000)
  expect(told(linux61, run('pcp/trylock', 'linux-6.12', 'trylock', 0, 6000))).toContain(
    'pcp/trylock moves 33 % fewer pages under zone->lock compared with pcp/linux-6.1 (6,000 pages against 9,000). The two differ in list rules (linux-6.12, not linux-6.1) alone.',
  )
})

test('a bound is no pair of rules and mechanism', () => {
  const none = { ...run('pcp/none', 'none', 'none', 0, 20_000), isBound: true }
  expect(told(work510, none)).not.toContain('differ in')
})

test('a share over a thousand per cent is grouped like every number', () => {
  const none = run('pcp/none', 'none', 'none', 60, 9000)
  const often = { ...none, work: { ...none.work, zoneLocks: 138_725 } }
  expect(told(work510, often)).toContain('takes it 27,645 % more often')
})

test('where the name tells which half differs, nothing is added', () => {
  expect(told(work510, run('pcp/linux-5.10+trylock', 'linux-5.10', 'trylock', 0, 9000))).not.toContain('differ in')
  expect(told(work510, run('pcp/linux-6.12+work', 'linux-6.12', 'work', 60, 6000))).not.toContain('differ in')
})
