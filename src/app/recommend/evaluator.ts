import { eachOf } from '../sweep/each.ts'
import type { LocalCapture } from '../sweep/local-capture.ts'
import type { CaptureContext, Prepared, RunOutcome } from '../sweep/measure.ts'
import { chunksOf, type Plan, type PlannedRun, rowOf, runDigest } from '../sweep/plan.ts'
import type { RunPool } from '../sweep/pool.ts'
import type { SweepRun } from '../sweep/results.ts'
import type { Choice } from '../sweep/space.ts'
import type { Store } from '../sweep/store.ts'

export interface EvaluatedCapture {
  readonly capture: LocalCapture
  readonly prepared: Prepared
}

/** Runs choices on captures that are read already; what was run once is known, in this process and in the store. */
export class Evaluator {
  readonly captures: readonly EvaluatedCapture[]
  readonly #plan: Pick<Plan, 'version' | 'code' | 'prices'>
  readonly #pool: RunPool
  readonly #store: Store | undefined
  readonly #known = new Map<string, SweepRun>()
  readonly #onRuns: (runs: number) => void
  #runs = 0

  constructor(
    captures: readonly EvaluatedCapture[],
    plan: Pick<Plan, 'version' | 'code' | 'prices'>,
    { pool, store, onRuns = () => {} }: { pool: RunPool; store?: Store | undefined; onRuns?: (runs: number) => void },
  ) {
    this.captures = captures
    this.#plan = plan
    this.#pool = pool
    this.#store = store
    this.#onRuns = onRuns
  }

  /** Runs that were done, not counting those of the store. */
  get runs(): number {
    return this.#runs
  }

  get contexts(): readonly CaptureContext[] {
    return this.captures.map(({ prepared, capture }) => ({ ...prepared.context, name: capture.name }))
  }

  /**
   * Each choice on every capture, or on so large a part of each, from its start.
   *
   * @throws Error where a run fails: what can't be run can't be weighed against others
   */
  async run(choices: readonly Choice[], share?: number): Promise<SweepRun[]> {
    const all: string[] = []
    for (const { capture, prepared } of this.captures) {
      const planned = choices.map((choice) => this.#planned(choice, capture, share))
      all.push(...planned.map(({ digest }) => digest))
      if (share === undefined) await this.#recall(planned)
      const missing = planned.filter(({ digest }) => !this.#known.has(digest))
      await eachOf(chunksOf(missing), this.#pool.threads === 1 ? 1 : 2 * this.#pool.threads, async (runs) =>
        this.#keep(runs, await this.#pool.run(prepared, runs.map(requestOf)), prepared, share),
      )
    }
    return all.map((digest) => this.#known.get(digest)!)
  }

  #planned(choice: Choice, capture: LocalCapture, share: number | undefined): PlannedRun {
    const about = { policy: choice.id, prices: this.#plan.prices[0]!, ...(share === undefined ? {} : { share }) }
    return { ...about, choice, capture, digest: runDigest(this.#plan, capture, about) }
  }

  async #recall(planned: readonly PlannedRun[]): Promise<void> {
    const stored = planned.filter(({ digest }) => !this.#known.has(digest) && this.#store?.has(digest) === true)
    if (stored.length === 0) return
    const of = new Map(stored.map((run) => [run.digest, run]))
    for (const { rows } of await this.#store!.chunks(new Set(of.keys())))
      for (const { digest, params, measures } of rows) {
        const run = of.get(digest)
        if (run !== undefined) this.#know(run, measures, JSON.parse(params))
      }
  }

  async #keep(
    runs: readonly PlannedRun[],
    outcomes: readonly RunOutcome[],
    { context }: Prepared,
    share: number | undefined,
  ): Promise<void> {
    const rows = outcomes.map(({ digest, measures, params = {}, error }, at) => {
      const run = runs[at]!
      if (measures === undefined) throw new Error(`${run.policy} on ${run.capture.name}: ${error}`)
      this.#know(run, measures, params)
      return { ...rowOf(run, { measures, params }), digest }
    })
    this.#runs += runs.length
    this.#onRuns(this.#runs)
    if (share === undefined) await this.#store?.put({ context: { ...context, name: runs[0]!.capture.name }, rows })
  }

  #know({ digest, capture, policy, prices, choice }: PlannedRun, measures: SweepRun['measures'], params: object): void {
    this.#known.set(digest, {
      capture: capture.name,
      policy,
      params: params as SweepRun['params'],
      prices: prices.id,
      measures,
      ...(choice.assumed === undefined ? {} : { assumed: { of: choice.of ?? policy, ...choice.assumed } }),
    })
  }
}

const requestOf = ({ digest, policy, prices, share }: PlannedRun) => ({
  digest,
  policy,
  prices,
  ...(share === undefined ? {} : { share }),
})
