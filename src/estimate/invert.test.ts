import fc from 'fast-check'
import { expect, test } from 'vitest'
import { unknownMachine, type Zone } from '#kernel'
import { choosePcp } from '#policies'
import { type ListRules, PCP_BATCH_SCALE_MAX, Pcp } from '#policies/pcp'
import { bulkFreeLimit, firstWhere, highestHigh, pacings } from './invert.ts'

const rulesOf = (id: string): ListRules => {
  const { lists, listParams } = choosePcp(id, undefined)
  return lists.create(listParams, { machine: { ...unknownMachine, cpus: [0] }, zone: {} as Zone })
}
const none = { reclaimActive: false, belowHigh: false }
const sizes = { high: 400, batch: 15, highMin: 170, highMax: 2320 }

test('the first value at which a test holds is found, or that there is none', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1e6 }), fc.integer({ min: 0, max: 1e6 }), (to, first) => {
      expect(firstWhere(0, to, (value) => value >= first)).toBe(first <= to ? first : undefined)
    }),
  )
})

test('the limit is the count at which the forward rule begins to give back', () => {
  for (const id of ['pcp/linux-5.10', 'pcp/linux-6.1', 'pcp/linux-6.12', 'pcp/linux-7.2']) {
    const fixed = { ...sizes, highMin: 400, highMax: 400 }
    expect(bulkFreeLimit(rulesOf(id), new Pcp(fixed), 0, none)).toBe(400)
  }
  // Under reclaim 6.1 keeps four batches.
  expect(bulkFreeLimit(rulesOf('pcp/linux-6.1'), new Pcp(sizes), 0, { ...none, reclaimActive: true })).toBe(60)
  expect(bulkFreeLimit(rulesOf('pcp/infinite'), new Pcp(sizes), 0, none)).toBeUndefined()
})

test('a bulk free at a known count shows where self-tuned `high` is', () => {
  const rules = rulesOf('pcp/linux-6.12')
  fc.assert(
    fc.property(fc.integer({ min: 171, max: 2320 }), (count) => {
      const pcp = Object.assign(new Pcp({ ...sizes, high: 2320 }), { count })
      expect(highestHigh(rules, pcp, 0, none)).toBe(count)
    }),
  )
})

test('the size of a bulk free shows the pacing before it', () => {
  const rules = rulesOf('pcp/linux-6.1')
  for (let freeFactor = 0; freeFactor <= PCP_BATCH_SCALE_MAX; freeFactor++) {
    const kernel = Object.assign(new Pcp({ ...sizes, high: 4000 }), { count: 4000, freeFactor })
    const recorded = rules.nrFree(kernel, 0, none)
    const thought = Object.assign(new Pcp({ ...sizes, high: 4000 }), { count: 4000 })
    const [after] = pacings(thought, recorded, (pcp) => rules.nrFree(pcp, 0, none), PCP_BATCH_SCALE_MAX)
    expect(after?.freeFactor).toBe(kernel.freeFactor)
  }
})
