import { expect, test } from 'vitest'
import type { SlabFidelity } from './fidelity-schema.ts'
import { slabHeadline } from './headline.ts'
import type { SlabComparedRun } from './schema.ts'
import { slabRecordedRow, slabVerdicts } from './verdicts.ts'

const run = (policy: string, slabsAllocated: number, listLocks: number) =>
  ({
    capture: 'a',
    policy,
    work: { slabsAllocated, listLocks, allocSlowPaths: 10, slabFrees: 10 },
    held: { meanPerCpu: 5, peakInBarn: 0, rcuMean: 0 },
  }) as unknown as SlabComparedRun

/** Two caches whose new slabs miss the record by `off`, one above and one below. */
const fidelity = (off: number) =>
  ({
    policy: 'slab/sheaves',
    totals: { slabsAllocated: { recorded: 100, predicted: 100 } },
    caches: [off, -off].map((miss) => ({ paths: { slabsAllocated: { recorded: 50, predicted: 50 + miss } } })),
    scores: {},
  }) as unknown as SlabFidelity

const headline = (of: SlabFidelity | undefined, slabs: number) => {
  const runs = [run('slab/sheaves', 100, 500), run('slab/none', slabs, 1)]
  const row = slabRecordedRow('a', of)
  return slabHeadline('a', runs, 'slab/sheaves', slabVerdicts.differences(runs, 'slab/sheaves', row), row, of)
}

test('caches that miss in both directions do not cancel', () => {
  expect(slabRecordedRow('a', fidelity(20))?.modelError.slabsAllocated).toBeCloseTo(0.4, 12)
})

test('a finding rests on what probes counted, by more than the kernel’s own policy is off, and never on list_lock', () => {
  expect(headline(fidelity(0), 80)).toMatch(
    /^On a, slab\/none has 20 % fewer new slabs \(80, not 100; model error 0\.0 %\)/,
  )
  expect(headline(fidelity(20), 80)).toMatch(/^On a, no policy is shown to save work .* by more than the model error\./)
  expect(headline(fidelity(20), 80)).toContain('summed cache by cache: new slabs 40 %')
  expect(headline(undefined, 80)).toContain('No slow path was probed: nothing checks the replay.')
})
