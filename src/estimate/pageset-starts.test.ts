import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { unknownMachine, type Zone } from '#kernel'
import { type ListRules, listPolicies, Pcp } from '#policies/pcp'
import { startOf, Trial } from './pageset-starts.ts'
import { PagesetTape, Step } from './pageset-tapes.ts'

const calm = { reclaimActive: false, belowHigh: false }

const rulesOf = (id: string): ListRules => {
  const policy = listPolicies.find((one) => one.id === id)!
  return policy.create(policy.params.parse({}), { machine: unknownMachine, zone: {} as Zone })
}

interface Wish {
  readonly frees: number
  readonly allocs: number
}

/** What a pageset of one list does, from a start that no file tells. */
function tapeOf(rules: ListRules, start: Pcp, wishes: readonly Wish[]): PagesetTape {
  const tape = new PagesetTape()
  const pcp = start.clone()
  const free = (): void => {
    tape.push(Step.free, 0)
    pcp.count++
    const pages = Math.min(pcp.count, rules.nrFree(pcp, 0, calm))
    pcp.count -= pages
    if (pages > 0) tape.givesBack(Step.free, pages, 0)
  }
  const alloc = (): void => {
    rules.onAlloc(pcp)
    if (pcp.count === 0) {
      pcp.count = rules.nrAlloc(pcp, 0, calm)
      tape.push(Step.refill, 0, pcp.count)
    }
    tape.push(Step.alloc, 0)
    pcp.count--
  }
  for (const { frees, allocs } of wishes) {
    for (let left = frees; left > 0; left--) free()
    for (let left = allocs; left > 0; left--) alloc()
  }
  return tape
}

const wishes = fc.array(fc.record({ frees: fc.nat(90), allocs: fc.nat(90) }), { minLength: 1, maxLength: 6 })
const starts = fc.record({
  count: fc.nat(59),
  allocFactor: fc.nat(5),
  freeFactor: fc.nat(3),
  freeCount: fc.nat(40),
})

describe('how a pageset began', () => {
  test.each(['linux-6.1', 'linux-6.12'])('follows from its first refills and bulk frees: %s', (id) => {
    const rules = rulesOf(id)
    const sizes = { batch: 4, high: 60, highMin: 60, highMax: id === 'linux-6.1' ? 60 : 90 }
    const samples = fc.sample(fc.tuple(wishes, starts, fc.nat(59)), { numRuns: 40, seed: 1 })
    const whole = samples.filter(([did, secret, guessed]) => {
      const tape = tapeOf(rules, Object.assign(new Pcp(sizes), secret), did)
      const trial = new Trial(tape, rules, calm, false)
      const guess = Object.assign(new Pcp(sizes), { count: guessed })
      const explained = trial.explained(startOf(trial, guess, tape.step.length))
      expect(explained).toBeGreaterThanOrEqual(trial.explained(guess))
      return explained === tape.step.length
    })
    expect(whole.length).toBeGreaterThanOrEqual(36)
  })

  test('the first bulk free corrects a count that zoneinfo read long before, the first refill a factor', () => {
    const rules = rulesOf('linux-6.12')
    const sizes = { batch: 63, high: 1956, highMin: 1956, highMax: 1956 }
    const secret = Object.assign(new Pcp(sizes), { count: 914, allocFactor: 4 })
    const tape = new PagesetTape()
    tape.push(Step.refill, 0, rules.nrAlloc(secret.clone(), 0, calm))
    const found = startOf(new Trial(tape, rules, calm, false), Object.assign(new Pcp(sizes), { count: 1593 }), 1)
    expect([tape.pages[0], found.count, found.allocFactor]).toEqual([979, 914, 4])
  })
})
