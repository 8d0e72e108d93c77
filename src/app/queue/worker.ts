import { randomUUID } from 'node:crypto'
import type { Job as BossJob, JobWithMetadata } from 'pg-boss'
import { UsageError } from '#kernel/messages'
import { engineVersion } from '../sweep/engine-version.ts'
import type { CaptureContext, RunOutcome, RunRequest } from '../sweep/measure.ts'
import { type PolicyCode, policyCode } from '../sweep/policy-code.ts'
import { RunPool } from '../sweep/pool.ts'
import { CapturesHeld, checkedCapture } from './captures-held.ts'
import { asDb, HEARTBEAT_SECONDS, inTransaction, openQueue, patiently, type Queue, thisHost } from './database.ts'
import { type Job, jobSchema, queueName } from './jobs.ts'

export interface WorkerSettings {
  readonly queue: string
  readonly jobs: number
  readonly cache: string
  /** Bytes that captures may take. */
  readonly memory: number
  readonly policyFiles: readonly string[]
  /** Ends when the queue has been empty for so long. Undefined: waits for more. */
  readonly idleSeconds?: number | undefined
  /** Stops taking jobs; what is in hand is finished. */
  readonly drain: AbortSignal
  readonly onEvent?: (text: string) => void
}

export interface Worked {
  readonly jobs: number
  readonly runs: number
  readonly failed: number
}

/** How long an empty queue is left alone. */
const PAUSE_MS = 250

interface Work {
  readonly queue: Queue
  readonly name: string
  readonly id: string
  readonly pool: RunPool
  readonly captures: CapturesHeld
  readonly settings: WorkerSettings
  readonly code: readonly PolicyCode[]
  readonly inHand: Map<string, { readonly id: string; readonly retryCount: number }>
  readonly done: { jobs: number; runs: number; failed: number }
}

/**
 * Takes chunks of runs from the queue, as many at a time as there are threads, until it is told to drain.
 *
 * @throws UsageError where the queue's sweeps want another version of kreplay
 */
export async function runWorker(settings: WorkerSettings): Promise<Worked> {
  const version = engineVersion()
  const { code } = await policyCode(settings.policyFiles)
  const queue = await openQueue(settings.queue, settings.jobs)
  const id = randomUUID()
  const name = queueName(version)
  const pool = await RunPool.start(settings.jobs, settings.policyFiles)
  const work: Work = {
    queue,
    name,
    id,
    pool,
    captures: new CapturesHeld(pool, settings.cache, settings.memory),
    settings,
    code,
    inHand: new Map(),
    done: { jobs: 0, runs: 0, failed: 0 },
  }
  const beat = setInterval(() => void heartbeat(work).catch(() => {}), (HEARTBEAT_SECONDS * 1000) / 4)
  try {
    await queue.pool.query('INSERT INTO kreplay.worker (id, host, pid, version) VALUES ($1, $2, $3, $4)', [
      id,
      thisHost(),
      process.pid,
      version,
    ])
    await checkVersion(queue, version)
    await queue.boss.createQueue(name)
    settings.onEvent?.(`takes runs for kreplay ${version} from ${queue.shown}`)
    await Promise.all(Array.from({ length: settings.jobs }, () => slot(work)))
    return work.done
  } finally {
    clearInterval(beat)
    await queue.pool.query('DELETE FROM kreplay.worker WHERE id = $1', [id]).catch(() => {})
    await pool.close()
    await queue.close()
  }
}

/** A worker whose version no open sweep wants is told so at once, rather than left waiting. */
async function checkVersion({ pool }: Queue, version: string): Promise<void> {
  const { rows } = await pool.query<{ version: string }>(
    "SELECT DISTINCT version FROM kreplay.sweep WHERE finished IS NULL AND seen > now() - interval '30 seconds'",
  )
  if (rows.length > 0 && rows.every((row) => row.version !== version))
    throw new UsageError(
      `the queue’s runs are for kreplay ${rows.map((row) => row.version).join(', ')}; this is ${version}`,
      'start the same version of kreplay on every host',
    )
}

/** Says that the worker and its jobs are alive. Replays run in threads, so that this is never late. */
async function heartbeat({ queue, name, id, inHand }: Work): Promise<void> {
  await queue.pool.query('UPDATE kreplay.worker SET seen = now() WHERE id = $1', [id])
  if (inHand.size > 0) await queue.boss.touch(name, [...inHand.values()])
}

async function slot(work: Work): Promise<void> {
  const { queue, name, settings, inHand, done } = work
  let idleSince = Date.now()
  while (!settings.drain.aborted) {
    const [job] = await patiently(() => queue.boss.fetch<Job>(name, { includeMetadata: true }), settings.drain)
    if (job === undefined) {
      if (settings.idleSeconds !== undefined && Date.now() - idleSince > settings.idleSeconds * 1000) return
      await pause(PAUSE_MS, settings.drain)
      continue
    }
    inHand.set(job.id, { id: job.id, retryCount: job.retryCount })
    try {
      await doJob(work, job)
      done.jobs++
    } finally {
      inHand.delete(job.id)
    }
    idleSince = Date.now()
  }
}

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, ms)
    signal.addEventListener('abort', end)
  })

interface Result {
  readonly outcomes: readonly RunOutcome[]
  readonly context?: CaptureContext
  /** Why the job can't be done, or some of its runs. */
  readonly error?: string
}

async function doJob(work: Work, job: JobWithMetadata<Job>): Promise<void> {
  const began = performance.now()
  const result = await resultOf(work, job).catch((error: Error): Result => ({ outcomes: [], error: error.message }))
  const { queue, name, done } = work
  const isLast = job.retryCount >= job.retryLimit
  await patiently(() =>
    inTransaction(queue.pool, async (client) => {
      const db = asDb(client)
      const attempt = { id: job.id, retryCount: job.retryCount }
      if (result.error === undefined || isLast) {
        await client.query(
          `INSERT INTO kreplay.chunk (id, outcomes, context, error, runs, host, worker, ms)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO NOTHING`,
          [
            job.data.chunk,
            JSON.stringify(result.outcomes),
            result.context === undefined ? null : JSON.stringify(result.context),
            result.error ?? null,
            job.data.runs.length,
            thisHost(),
            work.id,
            performance.now() - began,
          ],
        )
      }
      if (result.error === undefined) await queue.boss.complete(name, attempt, null, { db })
      else await queue.boss.fail(name, attempt, { message: result.error }, { db })
    }),
  )
  if (result.error === undefined) done.runs += job.data.runs.length
  else if (isLast) done.failed++
}

async function resultOf({ pool, captures, settings, code }: Work, job: BossJob<Job>): Promise<Result> {
  const { family, capture, runs, prices, code: wanted } = jobSchema.parse(job.data)
  const lacks = wanted.filter((sha256) => !code.some((one) => one.sha256 === sha256))
  if (lacks.length > 0)
    return {
      outcomes: [],
      error: `worker on ${thisHost()} lacks the policy file of sha256 ${lacks[0]!.slice(0, 16)}…: start it with --policy FILE`,
    }
  const requests = runs.map(
    ({ digest, policy, prices: at, seed }): RunRequest => ({
      digest,
      policy,
      prices: prices[at]!,
      ...(seed === undefined ? {} : { seed }),
    }),
  )
  const { outcomes, context } = await outcomesOf()
  const failed = outcomes.find(({ error }) => error !== undefined)
  return {
    outcomes,
    context: { ...context, name: capture.name },
    ...(failed === undefined ? {} : { error: failed.error! }),
  }

  async function outcomesOf() {
    if (family !== 'pcp') {
      const { path } = await checkedCapture(capture, settings.cache)
      return await pool.whole(path, family, requests)
    }
    const prepared = await captures.get(capture)
    return { outcomes: await pool.run(prepared, requests), context: prepared.context }
  }
}
