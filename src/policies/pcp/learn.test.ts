import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Machine, unknownMachine, type Zone } from '#kernel'
import { linux612 } from './linux-6.12.ts'
import { type ListRules, PCP_BATCH_SCALE_MAX, Pcp } from './types.ts'

const machine: Machine = { ...unknownMachine, cpus: [0] }
const rules: ListRules = linux612.create(linux612.params.parse({}), { machine, zone: {} as Zone })
const below = { reclaimActive: false, belowHigh: true }

test('a refill that `high` cut short tells where `high` is', () => {
  const sizes = { batch: 15, highMin: 170, highMax: 2320 }
  fc.assert(
    fc.property(
      fc.integer({ min: 170, max: 2320 }),
      fc.integer({ min: 0, max: 170 }),
      fc.integer({ min: 0, max: PCP_BATCH_SCALE_MAX }),
      (high, count, allocFactor) => {
        const kernel = Object.assign(new Pcp({ ...sizes, high }), { count, allocFactor })
        const thought = Object.assign(new Pcp({ ...sizes, high: 170 }), { count })
        const recorded = rules.nrAlloc(kernel, 0, below)
        if (rules.nrAlloc(thought, 0, below) !== recorded) rules.learnAlloc?.(thought, recorded, 0)
        fc.pre(!Number.isInteger(Math.log2(recorded / sizes.batch)))
        expect(thought.high).toBe(high)
      },
    ),
  )
})
