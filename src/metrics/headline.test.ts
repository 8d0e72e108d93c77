import { expect, test } from 'vitest'
import { headlineOf, trustIn } from './headline.ts'
import type { MeasureId } from './measures.ts'
import type { PcpFidelity, Run } from './schemas.ts'
import { differencesOf, type Uncertainty } from './verdicts.ts'

interface Told {
  readonly policy: string
  readonly lists?: string
  readonly drain?: string
  readonly interruptions?: Readonly<Record<string, number>>
  readonly locks?: number
  readonly pages?: number
  readonly isBound?: true
}

function run({
  policy,
  lists = 'linux-5.10',
  drain = 'work',
  interruptions = {},
  locks = 100,
  pages = 9000,
  ...rest
}: Told): Run {
  const all = Object.values(interruptions).reduce((sum, times) => sum + times, 0)
  const work = { allocsFromList: 900, gracePeriodWaits: 0, interruptions: all, zoneLocks: locks, zoneLockPages: pages }
  const totals = {
    interruptions: all,
    isolatedInterruptions: interruptions['3'] ?? 0,
    zoneLocks: locks,
    zoneLockPages: pages,
  }
  return { ...rest, policy, lists, drain, interruptions, work, totals } as unknown as Run
}

const recorded: readonly MeasureId[] = ['interruptions', 'isolatedInterruptions', 'zoneLocks', 'zoneLockPages']
const score = { recorded: 10, predicted: 10, exact: 10 }
const pcp = {
  withoutResync: { refills: score, drainBursts: score },
  refills: { recorded: 10, predicted: 10, exact: 0 },
  drainBursts: score,
} as unknown as PcpFidelity

function told(runs: readonly Run[], given: Partial<Uncertainty> & { readonly wasRecorded?: number } = {}): string {
  const modelError = Object.fromEntries(recorded.map((id) => [id, 0.01]))
  const uncertainty = { recorded: new Set(recorded), modelError, lossShare: 0, varied: [], ...given }
  const baseline = runs[0]!.policy
  return headlineOf(
    {
      name: 'drain',
      kernel: '5.10.223',
      isolated: [3],
      fidelity: { pcp },
      row: {
        totals: given.wasRecorded === undefined ? {} : { interruptions: given.wasRecorded, isolatedInterruptions: 4 },
        modelError: uncertainty.modelError,
        ownPolicy: 'pcp/linux-5.10',
      },
      differences: differencesOf('drain', runs, baseline, uncertainty),
      unmodelled: given.unmodelled,
    },
    runs,
    baseline,
  )
}

const linux510 = run({ policy: 'pcp/linux-5.10', interruptions: { 0: 14, 3: 5 } })
const trylock = run({ policy: 'pcp/trylock', drain: 'trylock' })

test('who is left alone leads, then what that does to zone->lock', () => {
  expect(told([linux510, trylock])).toMatch(
    /^On drain \(Linux 5\.10\.223\), pcp\/trylock removes all 19 drain interruptions \(5 on isolated CPU 3\); zone->lock work is unchanged\. Free-running/,
  )
})

test('where the baseline is the recording kernel’s own policy, what was recorded is removed, whatever was predicted', () => {
  expect(told([linux510, trylock], { wasRecorded: 16 })).toContain(
    'removes all 16 recorded drain interruptions (4 on isolated CPU 3)',
  )
})

test('bounds and no lists are never the best; others that do as well are named', () => {
  const runs = [
    linux510,
    run({ policy: 'pcp/none', isBound: true }),
    trylock,
    run({ policy: 'pcp/spinlock', drain: 'spinlock', pages: 9010 }),
  ]
  expect(told(runs)).toContain('pcp/trylock (like pcp/spinlock) removes')
})

test('one policy is compared with nothing', () => {
  expect(told([trylock])).toMatch(
    /^drain: one policy, nothing to compare it with; add the kernel’s own, pcp\/linux-5\.10\. /,
  )
  expect(told([linux510])).toMatch(/^drain: one policy, nothing to compare it with; name another\. /)
})

test('a difference within the model error is no finding', () => {
  const near = run({ policy: 'pcp/linux-6.1', pages: 8950, interruptions: { 0: 14, 3: 5 } })
  expect(told([linux510, near])).toContain(
    'pcp/linux-6.1 does not save more zone->lock work than the model error (1.0 %) compared with pcp/linux-5.10.',
  )
})

test('no finding rests on an assumed input', () => {
  const rcu = run({ policy: 'pcp/rcu-swap', drain: 'rcu-swap', pages: 6000, interruptions: { 0: 14, 3: 5 } })
  const varied = [
    { policy: 'pcp/rcu-swap', param: 'gracePeriodNs', end: 'high' as const, totals: { zoneLockPages: 8000 } },
  ]
  const text = told([linux510, rcu], { varied })
  expect(text).toContain(
    'no saving of zone->lock work compared with pcp/linux-5.10 is settled: it depends on an assumed input (gracePeriodNs).',
  )
  expect(text).not.toContain('33 %')
})

test('where the rules leave out how the kernel was built, the first sentence says that nothing is a finding', () => {
  expect(told([linux510, trylock], { unmodelled: 'PREEMPT_RT' })).toMatch(
    /^On drain \(Linux 5\.10\.223\), no difference from pcp\/linux-5\.10 is a finding: PREEMPT_RT is not modelled\. Free-running/,
  )
})

test('settled work under zone->lock leads where nobody is interrupted less', () => {
  const calm = run({ policy: 'pcp/linux-6.1', lists: 'linux-6.1', drain: 'trylock' })
  const lean = run({ policy: 'pcp/trylock', lists: 'linux-6.12', drain: 'trylock', pages: 6000, locks: 50 })
  expect(told([calm, lean])).toContain(
    'pcp/trylock does 50 % fewer operations under zone->lock (model error 1.0 %) and moves 33 % fewer pages under zone->lock (model error 1.0 %) compared with pcp/linux-6.1. They differ only in list rules (linux-6.12, not linux-6.1).',
  )
})

test('where lists and drain both differ, the change is credited to neither', () => {
  const both = run({ policy: 'pcp/trylock', lists: 'linux-6.12', drain: 'trylock' })
  expect(told([linux510, both])).toContain(
    'They differ in list rules (linux-6.12, not linux-5.10) and drain mechanism (trylock, not work): compare pcp/linux-5.10+trylock to separate the two.',
  )
  const named = run({ policy: 'pcp/linux-5.10+trylock', drain: 'trylock' })
  expect(told([linux510, named])).not.toContain('They differ')
})

test('what the trace does not record is not called unchanged', () => {
  expect(told([linux510, trylock], { recorded: new Set<MeasureId>() })).toContain(
    'no difference from pcp/linux-5.10 is a finding: the trace records no refills or drains to check one.',
  )
})

test('trust is the free-running score, with the reason where it is poor', () => {
  expect(trustIn({ pcp })).toBe(
    'Free-running, the kernel’s own rules reproduce 100.0 % of 10 refills and 100.0 % of 10 bulk frees exactly.',
  )
  const poor = { ...pcp, poorBecause: 'Much is missed because the capture lacks zoneinfo.before.' }
  expect(trustIn({ pcp: poor })).toMatch(/Much is missed because the capture lacks zoneinfo\.before\.$/)
  const nothing = { recorded: 0, predicted: 0, exact: 0 }
  expect(
    trustIn({ pcp: { ...pcp, withoutResync: { ...pcp.withoutResync, refills: nothing, drainBursts: nothing } } }),
  ).toMatch(/^Nothing was scored/)
  expect(trustIn({})).toBe('The trace holds nothing to check the replay against.')
})
