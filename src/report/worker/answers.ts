import { type ComparedCapture, composePcp, type PcpComparison } from '#metrics'
import { lockPricesOf, type Prices } from '#metrics/prices'
import { choosePcp } from '#policies'
import { Foresight, type Plan, type PolicyRun, type PolicyWork, planOf, runPolicy } from '#replay'
import type { Engine, Question } from './kit.ts'
import { pricesFor } from './prices.ts'

/** Runs that are kept: what a slider went through is not asked for again soon. */
const MOST_RUNS = 64

/** Answers questions by replaying: the same numbers as `kreplay compare` on the same window. */
export class Answers {
  readonly #engine: Engine
  readonly #runs = new Map<string, PolicyRun>()
  #foresight: Foresight | undefined

  constructor(engine: Engine) {
    this.#engine = engine
  }

  /**
   * By the first price list alone, without bounds and without trying the ranges of assumed inputs: for a slider on its way.
   *
   * @throws UsageError for a policy or a parameter that does not exist
   */
  quick(question: Question): PcpComparison {
    const { prices, plan } = this.#plan(question, 1)
    return this.#compose(question, prices, plan, undefined)
  }

  /**
   * The whole answer. It stops after each run, so that its caller may ask something else first.
   *
   * @throws UsageError for a policy or a parameter that does not exist
   */
  *whole(question: Question): Generator<void, PcpComparison> {
    const { prices, plan } = this.#plan(question, Number.POSITIVE_INFINITY)
    for (const work of [...plan.runs, plan.own, ...plan.varied.map((one) => one.work)]) {
      this.#run(work)
      yield
    }
    this.#foresight ??= new Foresight(this.#engine.whatIf)
    yield
    return this.#compose(question, prices, plan, this.#foresight)
  }

  #plan({ policies, set, prices: wanted }: Question, most: number): { prices: Prices[]; plan: Plan } {
    const { whatIf, release, isolated } = this.#engine
    const prices = pricesFor(this.#engine.prices, wanted).slice(0, most)
    const choices = policies.map((id) => choosePcp(id, release, set))
    return { prices, plan: planOf(whatIf, choices, { release, isolated, prices: prices.map(lockPricesOf) }) }
  }

  #compose(
    { baseline, set }: Question,
    prices: readonly Prices[],
    plan: Plan,
    foresight: Foresight | undefined,
  ): PcpComparison {
    const { facts, release, version } = this.#engine
    const capture: ComparedCapture = {
      facts,
      foresight,
      runs: plan.runs.map((work) => this.#run(work)),
      own: this.#run(plan.own),
      varied:
        foresight === undefined
          ? []
          : plan.varied.map(({ policy, param, end, work }) => ({ policy, param, end, run: this.#run(work) })),
    }
    return composePcp([capture], choosePcp(baseline, release, set).id, prices, version)
  }

  #run({ choice, options }: PolicyWork): PolicyRun {
    const { id, listParams, drainParams } = choice
    const key = JSON.stringify([id, listParams, drainParams, options.prices])
    const known = this.#runs.get(key) ?? runPolicy(this.#engine.whatIf, choice, options)
    this.#runs.delete(key)
    this.#runs.set(key, known)
    if (this.#runs.size > MOST_RUNS) this.#runs.delete(this.#runs.keys().next().value!)
    return known
  }
}
