import { eachOf } from '../sweep/each.ts'
import type { CaptureContext, RunOutcome } from '../sweep/measure.ts'
import type { Plan, PlannedRun } from '../sweep/plan.ts'
import type { Failure } from '../sweep/results.ts'
import { keep, missingOf } from '../sweep/run.ts'
import type { Store } from '../sweep/store.ts'
import { BOSS_SCHEMA, HEARTBEAT_SECONDS, openQueue, patiently, type Queue, thisHost } from './database.ts'
import { chunkId, jobOf, jobsOf, queueName, uuidOf } from './jobs.ts'

export interface QueueSettings {
  readonly address: string
  /** Tries of a job after the first. */
  readonly retries?: number
  readonly onProgress: (phase: string, done: number, total: number) => void
  /** Hears what a person at the planner should know. */
  readonly onNotice?: (text: string) => void
}

/** Jobs that are handed over in one statement. */
const BATCH = 500
const POLL_MS = 250
/** Files that are written at a time. */
const WRITES = 16
/** A day: what is alive says so by heartbeats. */
const EXPIRE_SECONDS = 86_400 - 1
/** So long without a worker, and the planner says so. */
const LONELY_MS = 5_000

type Pending = Map<string, readonly PlannedRun[]>

/**
 * Has the runs that the store lacks done by the workers on a queue, and stores what they send. Each chunk comes back once, whoever is
 * killed meanwhile. Jobs that fail again and again are set aside with their error and returned.
 */
export async function runQueued(plan: Plan, store: Store, settings: QueueSettings): Promise<readonly Failure[]> {
  const pending: Pending = new Map(
    missingOf(plan, store).flatMap(({ runs }) => jobsOf(plan, runs).map((some) => [chunkId(some), some] as const)),
  )
  if (pending.size === 0) return []
  const queue = await openQueue(settings.address, 2)
  const id = `${thisHost()}-${process.pid}-${Date.now()}`
  try {
    await announce(queue, id, plan.version, pending.size)
    return await collect(queue, id, plan, store, pending, settings)
  } finally {
    await queue.pool.query('UPDATE kreplay.sweep SET finished = now() WHERE id = $1', [id]).catch(() => {})
    await queue.close()
  }
}

async function announce({ pool }: Queue, id: string, version: string, chunks: number): Promise<void> {
  await pool.query("DELETE FROM kreplay.worker WHERE seen < now() - interval '1 day'")
  await pool.query('INSERT INTO kreplay.sweep (id, version, host, pid, chunks) VALUES ($1, $2, $3, $4, $5)', [
    id,
    version,
    thisHost(),
    process.pid,
    chunks,
  ])
}

interface ChunkRow {
  readonly id: string
  readonly seq: string
  readonly outcomes: readonly RunOutcome[]
  readonly context: CaptureContext | null
  readonly error: string | null
}

async function collect(
  queue: Queue,
  id: string,
  plan: Plan,
  store: Store,
  pending: Pending,
  settings: QueueSettings,
): Promise<readonly Failure[]> {
  const { pool } = queue
  const failures: Failure[] = []
  const total = [...pending.values()].reduce((sum, runs) => sum + runs.length, 0)
  let done = 0
  const take = async (row: ChunkRow): Promise<void> => {
    const runs = pending.get(row.id)
    if (runs === undefined) return
    failures.push(...(await takeChunk(store, runs, row)))
    pending.delete(row.id)
    done += runs.length
    settings.onProgress('replaying', done, total)
  }
  settings.onProgress('replaying', 0, total)
  // What failed before is tried again; what others did already is taken first.
  await pool.query('DELETE FROM kreplay.chunk WHERE id = ANY($1) AND error IS NOT NULL', [[...pending.keys()]])
  const { rows: last } = await pool.query<{ seq: string }>('SELECT coalesce(max(seq), 0) AS seq FROM kreplay.chunk')
  for (const row of await chunksById(queue, [...pending.keys()])) await take(row)
  await submit(queue, plan, pending, settings.retries ?? 4)
  let seq = last[0]!.seq
  let lookedAt = Date.now()
  let heardAt = Date.now()
  while (pending.size > 0) {
    const rows = await patiently(
      async () =>
        (await pool.query<ChunkRow>('SELECT * FROM kreplay.chunk WHERE seq > $1 ORDER BY seq LIMIT 200', [seq])).rows,
    )
    await eachOf(rows, WRITES, take)
    if (rows.length > 0) {
      seq = rows.at(-1)!.seq
      heardAt = Date.now()
    }
    if (Date.now() - lookedAt > 1000) {
      lookedAt = Date.now()
      await patiently(() => pool.query('UPDATE kreplay.sweep SET seen = now() WHERE id = $1', [id]))
      // Numbers are given before transactions end, so one of a later end may be passed over: these are found by name.
      for (const row of await patiently(() => chunksById(queue, some(pending)))) await take(row)
      await patiently(() => setAside(queue, plan.version, pending, failures))
      if (Date.now() - heardAt > LONELY_MS) {
        heardAt = Date.now()
        await lonely(queue, plan.version, settings.onNotice)
      }
    }
    if (rows.length === 0) await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
  return failures
}

const some = (pending: Pending): string[] => [...pending.keys()].slice(0, 1000)

const chunksById = async ({ pool }: Queue, ids: readonly string[]): Promise<ChunkRow[]> =>
  (await pool.query<ChunkRow>('SELECT * FROM kreplay.chunk WHERE id = ANY($1)', [ids])).rows

async function takeChunk(store: Store, runs: readonly PlannedRun[], row: ChunkRow): Promise<Failure[]> {
  const { outcomes, context, error } = row
  // What a run is not known to have done is the job's fault.
  const known = new Set(outcomes.map(({ digest }) => digest))
  const all = runs.flatMap(({ digest }): RunOutcome[] =>
    known.has(digest) ? [] : [{ digest, error: error ?? 'no result' }],
  )
  if (context === null) return [{ capture: runs[0]!.capture.name, error: error ?? 'no result' }]
  return await keep(store, runs, [...outcomes, ...all], context)
}

async function submit({ boss, pool }: Queue, plan: Plan, pending: Pending, retries: number): Promise<void> {
  const name = queueName(plan.version)
  await boss.createQueue(name)
  const jobs = [...pending.values()].map((runs) => jobOf({ ...plan, family: plan.family.id }, runs))
  for (let from = 0; from < jobs.length; from += BATCH) {
    const batch = jobs.slice(from, from + BATCH)
    const ids = batch.map(({ chunk }) => uuidOf(chunk))
    // A job that was set aside, or whose result is gone, is begun anew; one that is under way goes on.
    await pool.query(
      `DELETE FROM ${BOSS_SCHEMA}.job WHERE name = $1 AND id = ANY($2::uuid[]) AND state IN ('failed', 'completed', 'cancelled')`,
      [name, ids],
    )
    await boss.insert(
      name,
      batch.map((data, at) => ({
        id: ids[at]!,
        data,
        retryLimit: retries,
        retryDelay: 1,
        retryBackoff: true,
        retryDelayMax: 60,
        heartbeatSeconds: HEARTBEAT_SECONDS,
        expireInSeconds: EXPIRE_SECONDS,
      })),
    )
  }
}

/** Jobs that failed for good without a word, since they take their worker down with them. */
async function setAside(queue: Queue, version: string, pending: Pending, failures: Failure[]): Promise<void> {
  const byJob = new Map(some(pending).map((chunk) => [uuidOf(chunk), chunk]))
  const { rows } = await queue.pool.query<{ id: string; output: { message?: string } | null }>(
    `SELECT id, output FROM ${BOSS_SCHEMA}.job WHERE name = $1 AND state = 'failed' AND id = ANY($2::uuid[])`,
    [queueName(version), [...byJob.keys()]],
  )
  if (rows.length === 0) return
  // One that said why has a row, which is taken at the next look.
  const said = new Set(
    (
      await chunksById(
        queue,
        rows.map(({ id }) => byJob.get(id)!),
      )
    ).map(({ id }) => id),
  )
  for (const { id, output } of rows) {
    const chunk = byJob.get(id)!
    if (said.has(chunk)) continue
    const { capture, policy } = pending.get(chunk)![0]!
    failures.push({ capture: capture.name, policy, error: `set aside: ${output?.message ?? 'its workers died of it'}` })
    pending.delete(chunk)
  }
}

async function lonely({ pool }: Queue, version: string, onNotice: QueueSettings['onNotice']): Promise<void> {
  const { rows } = await pool.query<{ version: string; workers: string }>(
    `SELECT version, count(*) AS workers FROM kreplay.worker
     WHERE seen > now() - interval '${3 * HEARTBEAT_SECONDS} seconds' GROUP BY version`,
  )
  if (rows.some((row) => row.version === version)) return
  const others = rows.map((row) => `${row.workers} of kreplay ${row.version}`)
  onNotice?.(
    `no worker of kreplay ${version} is on the queue${others.length === 0 ? '' : `, only ${others.join(', ')}`}; start one: kreplay worker --queue ADDRESS`,
  )
}
