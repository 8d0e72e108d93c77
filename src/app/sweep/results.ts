import { stringify } from 'csv-stringify/sync'
import type { CaptureContext } from './measure.ts'
import { usualObjective } from './objective.ts'
import type { Plan } from './plan.ts'
import type { Row, Store } from './store.ts'

/** A run that could not be done, or all runs of a capture that could not be read. */
export interface Failure {
  readonly capture: string
  /** Absent: none of the capture's runs could be done. */
  readonly policy?: string
  readonly error: string
}

/** What a sweep found: plain data, in the order of its plan, the same wherever and however often it was run. */
export interface SweepResult {
  readonly schema: 'kreplay.sweep-result/1'
  readonly family: Plan['family']['id']
  readonly baseline: string
  readonly objective: string
  readonly limits: readonly string[]
  readonly captures: readonly (CaptureContext & { readonly sha256: string })[]
  readonly runs: readonly SweepRun[]
  /** Runs of the plan that are not done. */
  readonly missing: number
  readonly failed: readonly Failure[]
  /** Of kreplay and its code. */
  readonly version: string
}

export interface SweepRun {
  readonly capture: string
  readonly policy: string
  readonly params: Readonly<Record<string, unknown>>
  readonly prices: string
  readonly seed?: number
  /** Of a run with another assumed input: of which policy, which input, and its value. */
  readonly assumed?: { readonly of: string; readonly param: string; readonly value: number | string | boolean }
  readonly measures: Readonly<Record<string, number>>
}

export async function resultOf(plan: Plan, store: Store, failed: readonly Failure[] = []): Promise<SweepResult> {
  const planned = plan.captures.flatMap((capture) => plan.runsOf(capture).map(({ digest }) => digest))
  const chunks = await store.chunks(new Set(planned))
  const rows = new Map(chunks.flatMap((chunk) => chunk.rows.map((row) => [row.digest, row] as const)))
  const contexts = new Map(chunks.map(({ context, rows: [row] }) => [`${row?.captureSha256}`, context]))
  const found = planned.flatMap((digest) => rows.get(digest) ?? [])
  const { objective, limits } = plan.from.scenario
  return {
    schema: 'kreplay.sweep-result/1',
    family: plan.family.id,
    baseline: plan.baseline,
    objective: objective ?? usualObjective[plan.family.id],
    limits,
    captures: plan.captures.flatMap(({ name, sha256 }) => {
      const context = contexts.get(sha256)
      return context === undefined ? [] : [{ ...context, name, sha256 }]
    }),
    runs: found.map(runOf),
    missing: planned.length - found.length,
    failed,
    version: plan.version,
  }
}

const runOf = ({ capture, policy, params, prices, seed, assumed, measures }: Row): SweepRun => ({
  capture,
  policy,
  params: JSON.parse(params) as SweepRun['params'],
  prices,
  ...(seed === undefined ? {} : { seed }),
  ...(assumed === undefined ? {} : { assumed: JSON.parse(assumed) as NonNullable<SweepRun['assumed']> }),
  measures,
})

/** One row a run; a column for each measure and each parameter. */
export function csvOf({ runs }: Pick<SweepResult, 'runs'>): string {
  const names = (of: (run: SweepRun) => object) => [...new Set(runs.flatMap((run) => Object.keys(of(run))))].sort()
  const [params, measures] = [names((run) => run.params), names((run) => run.measures)]
  const head = ['capture', 'policy', 'prices', 'seed', 'assumed', ...params.map((name) => `param.${name}`), ...measures]
  const rows = runs.map((run) => [
    run.capture,
    run.policy,
    run.prices,
    run.seed ?? '',
    run.assumed === undefined ? '' : `${run.assumed.param}=${run.assumed.value}`,
    ...params.map((name) => run.params[name] ?? ''),
    ...measures.map((name) => run.measures[name] ?? ''),
  ])
  return stringify([head, ...rows], { cast: { boolean: String }, escape_formulas: true })
}
