import { TraceError } from '#kernel/messages'
import { eachOf } from './each.ts'
import type { LocalCapture } from './local-capture.ts'
import type { CaptureContext, RunOutcome } from './measure.ts'
import { MemoryGate } from './memory-gate.ts'
import { chunksOf, type Plan, type PlannedRun, rowOf } from './plan.ts'
import { RunPool } from './pool.ts'
import type { Failure } from './results.ts'
import type { Store } from './store.ts'

export interface RunSettings {
  readonly threads: number
  /** Bytes that captures in work may take together; one is always let in. */
  readonly memory: number
  readonly onProgress: (phase: string, done: number, total: number) => void
}

/** Captures with the runs that the store lacks. */
export const missingOf = (
  { captures, runsOf }: Pick<Plan, 'captures' | 'runsOf'>,
  store: Pick<Store, 'has'>,
): { readonly capture: LocalCapture; readonly runs: PlannedRun[] }[] =>
  captures
    .map((capture) => ({ capture, runs: runsOf(capture).filter(({ digest }) => !store.has(digest)) }))
    .filter(({ runs }) => runs.length > 0)

/**
 * Does the runs of a plan that the store lacks, on all cores of this machine: each capture is read once, its runs are handed out in
 * chunks, and each finished chunk is one file of the store. What fails is returned and the rest is done.
 */
export async function runLocally(plan: Plan, store: Store, settings: RunSettings): Promise<readonly Failure[]> {
  // The largest first: what is left for the end is small.
  const missing = missingOf(plan, store).sort((a, b) => b.capture.bytes - a.capture.bytes)
  const total = missing.reduce((sum, { runs }) => sum + runs.length, 0)
  if (total === 0) return []
  const pool =
    settings.threads === 1
      ? RunPool.here(plan.catalogue)
      : await RunPool.start(
          settings.threads,
          plan.code.map(({ file }) => file),
        )
  const gate = new MemoryGate(settings.memory)
  const failures: Failure[] = []
  let done = 0
  const finished = async (runs: readonly PlannedRun[], outcomes: readonly RunOutcome[], context: CaptureContext) => {
    failures.push(...(await keep(store, runs, outcomes, context)))
    done += runs.length
    settings.onProgress('replaying', done, total)
  }
  settings.onProgress('replaying', 0, total)
  try {
    await eachOf(missing, settings.threads + 1, ({ capture, runs }) =>
      gate.within(capture.bytes, async () => {
        try {
          await runCapture(plan, pool, capture, runs, finished)
        } catch (error) {
          if (!(error instanceof TraceError)) throw error
          failures.push({ capture: capture.name, error: error.message })
          done += runs.length
        }
      }),
    )
  } finally {
    await pool.close()
  }
  return failures
}

type Finished = (runs: readonly PlannedRun[], outcomes: readonly RunOutcome[], context: CaptureContext) => Promise<void>

async function runCapture(
  { family, chunk }: Pick<Plan, 'family' | 'chunk'>,
  pool: RunPool,
  capture: LocalCapture,
  runs: readonly PlannedRun[],
  finished: Finished,
): Promise<void> {
  const requests = (some: readonly PlannedRun[]) =>
    some.map(({ digest, policy, prices, seed }) => ({
      digest,
      policy,
      prices,
      ...(seed === undefined ? {} : { seed }),
    }))
  const { id } = family
  if (id !== 'pcp') {
    const { outcomes, context } = await pool.whole(capture.path, id, requests(runs))
    await finished(runs, outcomes, { ...context, name: capture.name })
    return
  }
  const prepared = await pool.prepare(capture.path, capture.isolated)
  await eachOf(chunksOf(runs, chunk), pool.threads === 1 ? 1 : 2 * pool.threads, async (some) =>
    finished(some, await pool.run(prepared, requests(some)), { ...prepared.context, name: capture.name }),
  )
}

/** Stores what was done and returns what was not. */
export async function keep(
  store: Pick<Store, 'put'>,
  runs: readonly PlannedRun[],
  outcomes: readonly RunOutcome[],
  context: CaptureContext,
): Promise<Failure[]> {
  const of = new Map(outcomes.map((outcome) => [outcome.digest, outcome]))
  const failures: Failure[] = []
  const rows = runs.flatMap((run) => {
    const { measures, params = {}, error = 'no result' } = of.get(run.digest) ?? {}
    if (measures !== undefined) return [rowOf(run, { measures, params })]
    failures.push({ capture: run.capture.name, policy: run.policy, error })
    return []
  })
  await store.put({ context, rows })
  return failures
}
