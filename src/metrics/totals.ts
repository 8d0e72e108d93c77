import { Op, type Script } from '#record'
import type { PolicyRun, StepSums } from '#replay'
import type { MeasureId, RecordedRow, Totals } from './measures.ts'

const total = (values: ArrayLike<number>): number => {
  let sum = 0
  for (let at = 0; at < values.length; at++) sum += values[at]!
  return sum
}

/** Measures that are sums of what happens within steps. */
const summed = [
  'zoneLocks',
  'zoneLockPages',
  'refills',
  'refilledPages',
  'bulkFrees',
  'bulkFreedPages',
  'requestedDrains',
] as const satisfies readonly MeasureId[]

/** By measure: what happened within each step. */
export function stepsOf(sums: StepSums, isolated: readonly number[]): ReadonlyMap<MeasureId, ArrayLike<number>> {
  const interruptions = (cpus: readonly number[]): Float64Array =>
    Float64Array.from(sums.refills, (_, step) => total(cpus.map((cpu) => sums.interruptionsOf[cpu]?.[step] ?? 0)))
  return new Map<MeasureId, ArrayLike<number>>([
    ...(isolated.length === 0 ? [] : [['isolatedInterruptions', interruptions(isolated)] as const]),
    ['interruptions', interruptions([...sums.interruptionsOf.keys()])],
    ...summed.map((id) => [id, sums[id]] as const),
  ])
}

export const summedTotals = (steps: ReadonlyMap<MeasureId, ArrayLike<number>>): Totals =>
  Object.fromEntries([...steps].map(([id, values]) => [id, total(values)]))

const mean = (values: readonly number[]): number => total(values) / Math.max(1, values.length)

/** Every measure of one run. */
export function totalsOf({ result, times }: Pick<PolicyRun, 'result' | 'times'>, isolated: readonly number[]): Totals {
  const { sums, cached, work } = result
  const pagesOf = (cpus: readonly number[]): number[] =>
    Array.from(sums.refills, (_, step) => total(cpus.map((cpu) => cached[cpu]?.[step] ?? 0)))
  const all = pagesOf([...cached.keys()])
  const requester = times[0]?.requester
  return {
    ...summedTotals(stepsOf(sums, isolated)),
    ...(requester === undefined || requester.count === 0
      ? {}
      : { requesterWaitNs: Math.round(requester.sumNs / requester.count) }),
    cachedPages: Math.round(mean(all)),
    cachedPeakPages: all.reduce((most, pages) => Math.max(most, pages), 0),
    ...(isolated.length === 0 ? {} : { strandedPages: Math.round(mean(pagesOf(isolated))) }),
    fastPathSteps: work.pcpLocks + work.irqSaves + work.dereferences,
  }
}

/** What a trace records of the measures: the others have nothing to be checked against. */
export function recordedMeasures(script: Script, queuedWorks: number, ownDrain: string): ReadonlySet<MeasureId> {
  const lists = script.refillPfn.length + script.drainPfn.length > 0
  // Without the drain requests nothing shows what other mechanisms would have done; work items show whom 5.10’s interrupted.
  const drains =
    !script.requestsInferred &&
    (ownDrain !== 'work' || queuedWorks > 0 || script.op.every((op) => op !== Op.drainRequest))
  return new Set<MeasureId>([
    ...(lists ? summed.filter((id) => id !== 'requestedDrains') : []),
    ...(drains ? (['interruptions', 'isolatedInterruptions', 'requestedDrains'] as const) : []),
  ])
}

/** Steps as plain data, for charts and windows; CPUs to which nothing happened are left out. */
export function stepSums(
  stepEnds: ArrayLike<number>,
  steps: ReadonlyMap<MeasureId, ArrayLike<number>>,
  sums: StepSums,
): RecordedRow['sums'] {
  const busy = (perCpu: readonly ArrayLike<number>[]): Record<string, number[]> =>
    Object.fromEntries(
      perCpu.flatMap((values, cpu) => (total(values) === 0 ? [] : [[cpu, Array.from(values)] as const])),
    )
  return {
    t: Array.from(stepEnds),
    totals: Object.fromEntries([...steps].map(([id, values]) => [id, Array.from(values)])),
    refillsOf: busy(sums.refillsOf),
    interruptionsOf: busy(sums.interruptionsOf),
  }
}
