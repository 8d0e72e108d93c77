import { randomUUID } from 'node:crypto'
import type { Job as BossJob, JobWithMetadata } from 'pg-boss'
import { UsageError } from '#kernel/messages'
import { engineVersion } from '../sweep/engine-version.ts'
import type { CaptureContext, RunOutcome, RunRequest } from '../sweep/measure.ts'
import { MemoryGate } from '../sweep/memory-gate.ts'
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
  /** Captures in work fit into memory together. */
  readonly gate: MemoryGate
  readonly settings: WorkerSettings
  readonly code: readonly PolicyCode[]
  readonly inHand: Map<string, { readonly id: string; readonly retryCount: number }>
  readonly done: { jobs: number; runs: number; failed: number }
}

/**
 * Takes chunks of runs from the queue, as many at a time as there are threads, until it must drain.
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
    gate: new MemoryGate(settings.memory),
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

/** Refuses a worker at once when no open sweep wants its version. */
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

/** Small jobs are taken several at a time: about as many as take this long. One that is killed loses no more. */
const TAKE_MS = 200
const MOST_TAKEN = 32

async function slot(work: Work): Promise<void> {
  const { queue, name, settings, inHand, done } = work
  let idleSince = Date.now()
  let batchSize = 1
  while (!settings.drain.aborted) {
    const jobs = await patiently(
      () => queue.boss.fetch<Job>(name, { includeMetadata: true, batchSize }),
      settings.drain,
    )
    if (jobs.length === 0) {
      if (settings.idleSeconds !== undefined && Date.now() - idleSince > settings.idleSeconds * 1000) return
      await pause(PAUSE_MS, settings.drain)
      continue
    }
    for (const { id, retryCount } of jobs) inHand.set(id, { id, retryCount })
    const began = performance.now()
    try {
      await doJobs(work, jobs)
      done.jobs += jobs.length
    } finally {
      for (const { id } of jobs) inHand.delete(id)
    }
    const each = (performance.now() - began) / jobs.length
    batchSize = Math.max(1, Math.min(MOST_TAKEN, 2 * batchSize, Math.floor(TAKE_MS / each)))
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

interface Done {
  readonly job: JobWithMetadata<Job>
  readonly result: Result
  readonly ms: number
}

/** Does jobs and says so: their results and that they are done stand in the database together or not at all. */
async function doJobs(work: Work, jobs: readonly JobWithMetadata<Job>[]): Promise<void> {
  const all: Done[] = []
  for (const job of jobs) {
    const began = performance.now()
    const result = await resultOf(work, job).catch((error: Error): Result => ({ outcomes: [], error: error.message }))
    all.push({ job, result, ms: performance.now() - began })
  }
  const { queue, name, id: worker, done } = work
  const isLast = ({ job }: Done): boolean => job.retryCount >= job.retryLimit
  const isGood = ({ result }: Done): boolean => result.error === undefined
  await patiently(() =>
    inTransaction(queue.pool, async (client) => {
      const db = asDb(client)
      const attemptOf = ({ job: { id, retryCount } }: Done) => ({ id, retryCount })
      const kept = all.filter((one) => isGood(one) || isLast(one))
      await client.query(
        `INSERT INTO kreplay.chunk (id, outcomes, context, error, runs, host, worker, ms)
         SELECT c.id, c.outcomes, c.context, c.error, c.runs, $2, $3, c.ms FROM jsonb_to_recordset($1::jsonb)
           AS c(id text, outcomes jsonb, context jsonb, error text, runs int, ms double precision)
         ON CONFLICT (id) DO NOTHING`,
        [
          JSON.stringify(
            kept.map(({ job, result, ms }) => ({ id: job.data.chunk, ...result, runs: job.data.runs.length, ms })),
          ),
          thisHost(),
          worker,
        ],
      )
      const good = all.filter(isGood)
      if (good.length > 0) await queue.boss.complete(name, good.map(attemptOf), null, { db })
      for (const one of all)
        if (!isGood(one)) await queue.boss.fail(name, attemptOf(one), { message: one.result.error }, { db })
    }),
  )
  for (const one of all) {
    if (isGood(one)) done.runs += one.job.data.runs.length
    else if (isLast(one)) done.failed++
  }
}

async function resultOf({ pool, captures, gate, settings, code, inHand }: Work, job: BossJob<Job>): Promise<Result> {
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
    return await gate.within(capture.bytes, async () => {
      const prepared = await captures.get(capture)
      // Threads that no other job needs help with this one's runs.
      const pieces = Math.max(1, Math.floor(settings.jobs / inHand.size))
      const size = Math.ceil(requests.length / pieces)
      const parts = Array.from({ length: pieces }, (_, at) => requests.slice(at * size, (at + 1) * size))
      const all = await Promise.all(parts.filter(({ length }) => length > 0).map((some) => pool.run(prepared, some)))
      return { outcomes: all.flat(), context: prepared.context }
    })
  }
}
