import { join } from 'node:path'
import { expect, test } from 'vitest'
import { infer, ownPolicy, whatIfOf } from '#estimate'
import { readCapture } from '#readers'
import { scriptOf } from '#record'
import { runPolicy } from '#replay'
import { fidelityTotals } from './fidelity-totals.ts'
import { recordedSums } from './recorded-sums.ts'

const measures = ['refills', 'refilledPages', 'bulkFrees', 'bulkFreedPages', 'zoneLocks', 'requestedDrains'] as const

async function totals(name: string) {
  const { events, ...recording } = await readCapture(join(import.meta.dirname, '../../traces', name))
  const inference = infer(scriptOf({ events, ...recording }))
  const { script, freeRun } = inference
  const replayed = runPolicy(whatIfOf(inference), ownPolicy(script), { steps: 10 }).result
  return {
    fidelity: fidelityTotals(events, script, freeRun),
    compared: recordedSums(events, script, replayed.stepEnds),
    replayed: replayed.sums,
  }
}

const sum = (values: Float64Array): number => values.reduce((all, value) => all + value, 0)

test.each(['pages-5.10-s', 'drain-7.2-s'])('fidelity and compare show the same recorded totals of %s', async (name) => {
  const { fidelity, compared } = await totals(name)
  for (const id of measures) expect([id, fidelity[id].recorded]).toEqual([id, sum(compared[id])])
})

// 5.10 has lists for order 0 only: the slab pages of this trace go past them.
test('zone->lock is taken for blocks past the lists too, as in a replay', async () => {
  const { fidelity, replayed } = await totals('pages-5.10-s')
  const { zoneLocks, refills, bulkFrees } = fidelity
  expect(zoneLocks.predicted).toBe(sum(replayed.zoneLocks))
  expect(zoneLocks.predicted).toBeGreaterThan(refills.predicted + bulkFrees.predicted + 1000)
})
