import { z } from 'zod'
import { percent } from './caveats.ts'
import { type VerdictId, verdicts } from './measures.ts'
import { relative } from './verdicts.ts'

/** What a kernel did and what a free-running replay of its own policy does. */
export interface Checked {
  readonly recorded: number
  readonly predicted: number
  /** Of the parts that the two are sums of, where parts that miss in both directions would cancel. */
  readonly error?: number
}

/** A figure of a run, and where the record checks it. */
export interface OwnMeasure<R, F> {
  readonly of: (run: R) => number | undefined
  readonly checked?: (fidelity: F) => Checked | undefined
}

type Totals<M extends string> = Partial<Record<M, number>>

export interface OwnRow<M extends string> {
  capture: string
  ownPolicy: string
  totals: Totals<M>
  predicted: Totals<M>
  modelError: Totals<M>
}

interface OwnDifference<M extends string> {
  capture: string
  policy: string
  measure: M
  value: number
  baseline: number
  verdict: VerdictId
  because: string[]
}

/** The fields of a comparison by which its differences are judged. `error`: what the model error of its measures is. */
export function verdictFields<const M extends string>(ids: readonly M[], error: string) {
  const id = z.enum(ids as [M, ...M[]])
  const totals = z.partialRecord(id, z.number())
  const errors = totals.meta({ help: `${error} Capped at 1 where nothing was recorded.` })
  const recorded = z.object({
    capture: z.string(),
    ownPolicy: z.string(),
    totals: totals.meta({ help: 'Measures that the trace does not record are absent.' }),
    predicted: totals,
    modelError: errors,
  })
  const difference = z.object({
    capture: z.string(),
    policy: z.string(),
    measure: id,
    value: z.number(),
    baseline: z.number(),
    verdict: z.enum(verdicts),
    because: z.array(z.string()),
  })
  return {
    recorded: z
      .array(recorded)
      .default([])
      .meta({ help: 'What the recorded kernel itself did, one row a capture; none of workloads.' }),
    modelError: errors.default({}),
    differences: z.array(difference).default([]).meta({ help: 'Each policy beside the baseline, measure by measure.' }),
  }
}

export const errorOf = ({ recorded, predicted, error }: Checked): number =>
  error ?? (recorded === predicted ? 0 : recorded === 0 ? 1 : Math.abs(predicted / recorded - 1))

/** A difference is settled if it is larger than what the recording kernel’s own policy is off. */
export function ownVerdict(value: number, baseline: number, error: number | undefined): [VerdictId, string[]] {
  if (error === undefined) return ['unchecked', ['not recorded']]
  return Math.abs(relative(value, baseline)) <= error
    ? ['within-model-error', [`model error ${percent(error)}`]]
    : ['settled', []]
}

/** Judges a family’s differences by what the replay of the recording kernel’s own policy is off. */
export class OwnVerdicts<M extends string, R extends { readonly capture: string; readonly policy: string }, F> {
  readonly #measures: readonly (readonly [M, OwnMeasure<R, F>])[]

  constructor(measures: Readonly<Record<M, OwnMeasure<R, F>>>) {
    this.#measures = Object.entries<OwnMeasure<R, F>>(measures) as [M, OwnMeasure<R, F>][]
  }

  /** The row of the record. */
  recordedRow(capture: string, ownPolicy: string, fidelity: F): OwnRow<M> {
    const pairs = this.#measures.flatMap(([id, { checked }]) => {
      const pair = checked?.(fidelity)
      return pair === undefined ? [] : [[id, pair] as const]
    })
    const of = (value: (pair: Checked) => number) =>
      Object.fromEntries(pairs.map(([id, pair]) => [id, value(pair)])) as Totals<M>
    return {
      capture,
      ownPolicy,
      totals: of(({ recorded }) => recorded),
      predicted: of(({ predicted }) => predicted),
      modelError: of(errorOf),
    }
  }

  /** A run’s figures. */
  totalsOf(run: R): Totals<M> {
    return Object.fromEntries(
      this.#measures.flatMap(([id, { of }]) => {
        const value = of(run)
        return value === undefined ? [] : [[id, value]]
      }),
    ) as Totals<M>
  }

  /** Every measure of every policy beside the baseline, on one capture. `row`: what its record checks. */
  differences(runs: readonly R[], baseline: string, row?: Pick<OwnRow<M>, 'modelError'>): OwnDifference<M>[] {
    const base = runs.find(({ policy }) => policy === baseline)
    if (base === undefined) return []
    const baseTotals = this.totalsOf(base)
    return runs
      .filter((run) => run !== base)
      .flatMap((run) =>
        this.#measures.flatMap(([measure, { of }]): OwnDifference<M>[] => {
          const [value, from] = [of(run), baseTotals[measure]]
          if (value === undefined || from === undefined) return []
          const [verdict, because] = ownVerdict(value, from, row?.modelError[measure])
          return [{ capture: run.capture, policy: run.policy, measure, value, baseline: from, verdict, because }]
        }),
      )
  }

  /** By measure, of several captures. */
  largestErrors(rows: readonly Pick<OwnRow<M>, 'modelError'>[]): Totals<M> {
    const largest: Totals<M> = {}
    for (const { modelError } of rows)
      for (const [id, error] of Object.entries<number>(modelError as Record<string, number>) as [M, number][])
        largest[id] = Math.max(largest[id] ?? 0, error)
    return largest
  }
}
