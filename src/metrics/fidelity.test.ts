import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { type FidelityRun, type Inference, infer, ownPolicy, whatIfOf } from '#estimate'
import { choosePcp, type PcpChoice } from '#policies'
import { type ListRules, listPolicies } from '#policies/pcp'
import { readCapture } from '#readers'
import { scriptOf } from '#record'
import { pagesets } from '#sim'
import { fidelityOf } from './fidelity.ts'
import type { Fidelity as FidelityReport } from './schemas.ts'
import { scoreOf } from './score.ts'

const capture = (name: string) => readCapture(join(import.meta.dirname, '../../traces', name))

async function fidelity(name: string): Promise<FidelityReport> {
  const recording = await capture(name)
  const inference = infer(scriptOf(recording))
  return fidelityOf(recording, inference.script, inference)
}

describe('what the kernels recorded', () => {
  test('6.1: every refill and every drained page, nearly every burst', async () => {
    const { pcp } = await fidelity('pages-6.1-s')
    expect(pcp!.refills.recorded).toBeGreaterThan(400)
    expect(pcp!.refills.exact).toBe(pcp!.refills.recorded)
    expect(pcp!.refills.predicted).toBe(pcp!.refills.recorded)
    expect(pcp!.drainedPages.wrong).toBe(0)
    expect(pcp!.drainedPages.exact).toBeGreaterThan(20_000)
    expect(scoreOf(pcp!.drainBursts)).toBeGreaterThanOrEqual(0.98)
  })

  test('5.10: refills, bursts and pages', async () => {
    const { pcp } = await fidelity('pages-5.10-s')
    expect(scoreOf(pcp!.refills)).toBeGreaterThanOrEqual(0.99)
    expect(scoreOf(pcp!.drainBursts)).toBeGreaterThanOrEqual(0.98)
    expect(pcp!.drainedPages.wrong / pcp!.drainedPages.recorded).toBeLessThanOrEqual(0.001)
    expect(pcp!.drainedPages.exact).toBeGreaterThan(60_000)
  })

  test('5.10 under pressure: who is interrupted by drain work', async () => {
    const { pcp } = await fidelity('drain-5.10-s')
    expect(pcp!.interruptions.recorded).toEqual({ 0: 5, 1: 4, 2: 5, 3: 5 })
    expect(pcp!.interruptions.predicted).toEqual(pcp!.interruptions.recorded)
    expect(scoreOf(pcp!.refills)).toBeGreaterThanOrEqual(0.99)
    expect(scoreOf(pcp!.drainBursts)).toBeGreaterThanOrEqual(0.98)
    expect(pcp!.requestedDrains).toMatchObject({ recorded: 18, exact: 18 })
  })

  test('6.12: every refill, burst and page of an unpressed machine', async () => {
    const { pcp } = await fidelity('pages-6.12-s')
    expect(pcp!.refills.recorded).toBeGreaterThan(100)
    expect(scoreOf(pcp!.refills)).toBeGreaterThanOrEqual(0.995)
    expect(scoreOf(pcp!.drainBursts)).toBeGreaterThanOrEqual(0.98)
    expect(pcp!.drainedPages.wrong / pcp!.drainedPages.recorded).toBeLessThanOrEqual(0.001)
  })

  test('free pages at the end: all of them, once the refills since the trace are taken off', async () => {
    const { freePages, listCounts } = (await fidelity('pages-6.1-s')).pcp!
    expect(listCounts.filter(({ refilledAfter }) => refilledAfter !== undefined)).toEqual([])
    expect(freePages[0]!.pages.predicted).toBe(freePages[0]!.pages.recorded)
    const { recorded, pages, ordersWithin, later } = (await fidelity('pages-6.12-s')).pcp!.freePages[0]!
    expect(pages.predicted).toBe(pages.recorded + later!.refilled)
    expect(ordersWithin[0]).toBe(false)
    expect(later!.predicted[0]).toBe(recorded[0])
    expect(later!.ordersWithin).not.toContain(false)
  })

  test('7.2: the same', async () => {
    const { pcp } = await fidelity('pages-7.2-s')
    expect(scoreOf(pcp!.refills)).toBeGreaterThanOrEqual(0.995)
    // Its ticks are not recorded, and all but one gave nothing back, so that few bulk frees say when `high` was lowered.
    expect(pcp!.drainedPages.wrong / pcp!.drainedPages.recorded).toBeLessThanOrEqual(0.001)
  })

  test.each(['drain-6.12-s', 'drain-7.2-s'])(
    '%s, under pressure: free pages and kswapd tell when lists shrink',
    async (name) => {
      const { pcp } = await fidelity(name)
      // 0.989 and 0.992 with the estimator before: on 7.2 counts and flags are confused near a shortage.
      expect(scoreOf(pcp!.drainBursts)).toBeGreaterThanOrEqual(0.95)
      expect(scoreOf(pcp!.refills)).toBeGreaterThanOrEqual(0.98)
    },
  )

  test('how much of what was recorded the scores cover', async () => {
    const { pcp } = await fidelity('pages-7.2-s')
    const { refills, drainBursts, drainedPages } = pcp!.coverage
    expect([refills!.inTrace, drainBursts!.inTrace, drainedPages.inTrace]).toEqual([40, 11, 13_423])
    expect([refills!.scored, drainBursts!.scored, drainedPages.scored]).toEqual([
      pcp!.refills.recorded,
      pcp!.drainBursts.recorded,
      pcp!.drainedPages.recorded,
    ])
    // Compaction's local drains follow frees as bursts do, and are none.
    expect((await fidelity('drain-5.10-s')).pcp!.coverage.drainBursts).toEqual({ inTrace: 6005, scored: 6002 })
  })
})

/** `KREPLAY_CAPTURES`: a folder of big captures, where they are at hand. */
const folder = process.env.KREPLAY_CAPTURES ?? ''
describe.skipIf(folder === '')('large captures of machines with memory to spare', () => {
  test.each(['pages-5.10', 'pages-6.1', 'pages-6.12', 'pages-7.2'])(
    '%s to the last refill, burst and page, on every CPU',
    async (name) => {
      const recording = await readCapture(join(folder, name))
      const inference = infer(scriptOf(recording))
      const { pcp } = fidelityOf(recording, inference.script, inference)
      expect(scoreOf(pcp!.refills)).toBe(1)
      expect(scoreOf(pcp!.drainBursts)).toBe(1)
      expect(pcp!.drainedPages.wrong).toBe(0)
      expect(pcp!.perCpu.every(({ scored }) => scored)).toBe(true)
    },
  )
})

/** The scores of a rule that differs from the kernel's in one thing. */
describe('a wrong rule scores worse', () => {
  const known = new Map<string, Inference>()
  beforeAll(async () => {
    for (const name of ['pages-6.1-s', 'pages-5.10-s', 'pages-6.12-s', 'drain-6.12-s', 'drain-7.2-s'])
      known.set(name, infer(scriptOf(await capture(name))))
  }, 120_000)

  const scores = (name: string, choice: PcpChoice) => {
    const { cpus }: FidelityRun = infer(known.get(name)!.script, choice).run
    const sum = (of: (cpu: (typeof cpus)[number]) => number) => cpus.reduce((all, cpu) => all + of(cpu), 0)
    const score = (of: (cpu: (typeof cpus)[number]) => { exact: number; recorded: number; predicted: number }) =>
      scoreOf({
        exact: sum((cpu) => of(cpu).exact),
        recorded: sum((cpu) => of(cpu).recorded),
        predicted: sum((cpu) => of(cpu).predicted),
      })!
    return {
      refills: score(({ refills }) => refills),
      bursts: score(({ bursts }) => bursts),
      wrong: sum(({ pages }) => pages.wrong) / sum(({ pages }) => pages.recorded),
    }
  }

  const fromHead = (id: string): PcpChoice => {
    const choice = choosePcp(id, '6.1')
    const policy = listPolicies.find(({ id: own }) => own === choice.lists.id)!
    return {
      ...choice,
      lists: { ...policy, create: (params, context) => ({ ...policy.create(params, context), drainsFrom: 'head' }) },
    }
  }

  test.each([
    ['pages-6.1-s', 'pcp/linux-6.1'],
    ['pages-5.10-s', 'pcp/linux-5.10'],
  ])('%s: the true rule, then its mutants', (name, id) => {
    const truth = scores(name, choosePcp(id, '6.1'))
    expect(truth.refills).toBeGreaterThan(0.99)
    expect(truth.bursts).toBeGreaterThan(0.98)
    expect(truth.wrong).toBeLessThan(0.001)

    const batch = scores(name, choosePcp(`${id}{batch=31}`, '6.1'))
    expect(batch.refills).toBeLessThan(0.5)
    const high = scores(name, choosePcp(`${id}{high=300}`, '6.1'))
    expect(high.bursts).toBeLessThan(truth.bursts)
    expect(scores(name, fromHead(id)).wrong).toBeGreaterThan(0.5)
  })

  /** The rules of a choice with some of their parts replaced. */
  const mutant = (id: string, change: (rules: ListRules) => Partial<ListRules>): PcpChoice => {
    const choice = choosePcp(id, '6.1')
    const { lists } = choice
    return {
      ...choice,
      lists: {
        ...lists,
        create: (params, context) => ({ ...lists.create(params, context), ...change(lists.create(params, context)) }),
      },
    }
  }

  test.each([
    ['pages-6.1-s', 'pcp/linux-6.1'],
    ['pages-5.10-s', 'pcp/linux-5.10'],
  ])('%s: a rule that never gives pages back has no page and no burst right', (name, id) => {
    const { bursts, wrong } = scores(
      name,
      mutant(id, () => ({ nrFree: () => 0 })),
    )
    expect(bursts).toBe(0)
    expect(wrong).toBeGreaterThan(0.9)
  })

  test.each([2112, 3000, 100_000])('6.1 with a high of %i, where the kernel had 1760', (high) => {
    // Pages from before the trace may make up for most of it, once they are taken to be so many more.
    expect(scores('pages-6.1-s', choosePcp(`pcp/linux-6.1{high=${high}}`, '6.1')).bursts).toBeLessThan(0.9)
  })

  test('6.1 without emptying the pageset at high-order frees', () => {
    const noFreeHigh = mutant('pcp/linux-6.1', (rules) => ({
      nrFree: (pcp, _order, zone) => rules.nrFree(pcp, 0, zone),
    }))
    const { bursts } = scores('pages-6.1-s', noFreeHigh)
    expect(bursts).toBeLessThan(scores('pages-6.1-s', choosePcp('pcp/linux-6.1', '6.1')).bursts - 0.1)
  })

  test.each([1, 3, 7, 62])('6.1 with a batch of %i: pieces of a recorded refill earn nothing', (batch) => {
    expect(scores('pages-6.1-s', choosePcp(`pcp/linux-6.1{batch=${batch},high=1760}`, '6.1')).refills).toBeLessThan(0.2)
  })

  test('6.1 without free_factor', () => {
    expect(scores('pages-6.1-s', choosePcp('pcp/linux-6.1{freeFactorMax=0}', '6.1')).bursts).toBeLessThan(0.7)
  })

  test('another kernel’s rules', () => {
    expect(scores('pages-6.1-s', choosePcp('pcp/linux-5.10', '6.1')).bursts).toBeLessThan(0.5)
    expect(scores('pages-5.10-s', choosePcp('pcp/linux-6.1', '6.1')).bursts).toBeLessThan(0.5)
  })

  const own = (id: string) => choosePcp(id, '6.12')

  test('6.12 without vmstat ticks', () => {
    const truth = scores('pages-6.12-s', own('pcp/linux-6.12'))
    expect(truth.bursts).toBeGreaterThan(0.98)
    const still = mutant('pcp/linux-6.12', () => ({ onTick: () => 0 }))
    expect(scores('pages-6.12-s', still).bursts).toBeLessThan(truth.bursts - 0.05)
  })

  test('6.12 with refills that do not double', () => {
    const flat = mutant('pcp/linux-6.12', (rules) => ({
      nrAlloc: (pcp, order, zone) => Math.min(rules.nrAlloc(pcp, order, zone), pcp.batch),
    }))
    expect(scores('pages-6.12-s', flat).refills).toBeLessThan(0.8)
  })

  test.each([31, 62, 64, 127])('6.12 with a batch of %i, where the kernel had 63', (batch) => {
    expect(scores('pages-6.12-s', own(`pcp/linux-6.12{batch=${batch}}`)).refills).toBeLessThan(0.5)
  })

  test('6.12 without emptying the pageset at high-order frees', () => {
    const noFreeHigh = mutant('pcp/linux-6.12', (rules) => ({
      nrFree: (pcp, _order, zone) => rules.nrFree(pcp, 0, zone),
    }))
    expect(scores('pages-6.12-s', noFreeHigh).bursts).toBeLessThan(0.9)
  })

  const calm = { reclaimActive: false, belowHigh: false }
  test.each([
    ['drain-6.12-s', 'pcp/linux-6.12'],
    ['drain-7.2-s', 'pcp/linux-7.2'],
  ])('%s: %s, blind to a shortage of memory', (name, id) => {
    const truth = scores(name, own(id)).bursts
    const without = (part: Partial<typeof calm>) =>
      scores(
        name,
        mutant(id, (rules) => ({ nrFree: (pcp, order, zone) => rules.nrFree(pcp, order, { ...zone, ...part }) })),
      ).bursts
    expect(without(calm)).toBeLessThan(truth - 0.1)
    expect(without({ reclaimActive: false })).toBeLessThan(truth - 0.05)
    expect(without({ belowHigh: false })).toBeLessThan(truth)
  })
})

test('a bound of high that only the record shows is learnt, and the bulk free that proves it is not scored', async () => {
  const inferenceOf = async (name: string) => infer(scriptOf(await readCapture(`traces/${name}`)))
  const inference = await inferenceOf('pages-6.12-s')
  const { run, freeRun } = inference
  expect(run.inferences.highMax).toEqual([5858])
  // A what-if begins with it.
  const own = pagesets(whatIfOf(inference), ownPolicy(inference.script)).pcps
  expect(new Set(own.map(({ highMax }) => highMax))).toEqual(new Set([5858]))
  for (const { cpus } of [run, freeRun]) {
    const recorded = cpus.reduce((all, { bursts }) => all + bursts.recorded, 0)
    expect([recorded, cpus.reduce((all, { bursts }) => all + bursts.exact, 0)]).toEqual([37, 37])
  }
  expect((await inferenceOf('pages-7.2-s')).run.inferences.highMax).toEqual([0])
})
