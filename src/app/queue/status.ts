import type { Plan } from '../sweep/plan.ts'
import { missingOf } from '../sweep/run.ts'
import type { Store } from '../sweep/store.ts'
import { BOSS_SCHEMA, HEARTBEAT_SECONDS, openQueue } from './database.ts'
import { chunkId, jobsOf, queueName, uuidOf } from './jobs.ts'

/** What a queue does for a sweep. */
export interface QueueStatus {
  /** Runs that workers have done and the store does not have yet. */
  readonly done: number
  /** Runs that nobody has done. */
  readonly left: number
  /** Of the last minute. */
  readonly runsPerSecond: number
  /** Absent where nothing was done lately. */
  readonly secondsLeft?: number
  /** Jobs by what they do: created, retry, active, failed. */
  readonly jobs: Readonly<Record<string, number>>
  readonly failed: readonly { readonly capture: string; readonly error: string }[]
  readonly hosts: readonly {
    readonly host: string
    readonly workers: number
    readonly runs: number
    readonly versions: readonly string[]
  }[]
}

export async function queueStatus(plan: Plan, store: Pick<Store, 'has'>, address: string): Promise<QueueStatus> {
  const pending = missingOf(plan, store).flatMap(({ runs }) => jobsOf(plan, runs))
  const ids = pending.map(chunkId)
  const queue = await openQueue(address, 1)
  const { pool } = queue
  try {
    const { rows: chunks } = await pool.query<{ id: string; runs: number; error: string | null }>(
      'SELECT id, runs, error FROM kreplay.chunk WHERE id = ANY($1)',
      [ids],
    )
    const { rows: lately } = await pool.query<{ runs: string; seconds: string }>(
      `SELECT coalesce(sum(runs), 0) AS runs, extract(epoch FROM now() - min(done)) AS seconds
       FROM kreplay.chunk WHERE done > now() - interval '60 seconds'`,
    )
    const { rows: states } = await pool.query<{ state: string; jobs: string }>(
      `SELECT state::text, count(*) AS jobs FROM ${BOSS_SCHEMA}.job WHERE name = $1 AND id = ANY($2::uuid[]) GROUP BY state`,
      [queueName(plan.version), ids.map(uuidOf)],
    )
    const { rows: hosts } = await pool.query<{ host: string; workers: string; runs: string; versions: string[] }>(
      `SELECT host, count(DISTINCT worker) AS workers, coalesce(sum(runs), 0) AS runs, array_agg(DISTINCT version) AS versions FROM (
         SELECT host, id AS worker, 0 AS runs, version FROM kreplay.worker
           WHERE seen > now() - interval '${3 * HEARTBEAT_SECONDS} seconds'
         UNION ALL SELECT host, NULL, runs, NULL FROM kreplay.chunk) AS both_of GROUP BY host ORDER BY host`,
    )
    const finished = chunks.filter(({ error }) => error === null)
    const done = finished.reduce((sum, { runs }) => sum + runs, 0)
    const left = pending.reduce((sum, runs) => sum + runs.length, 0) - done
    const rate = Number(lately[0]?.runs ?? 0) / Math.max(1, Number(lately[0]?.seconds ?? 0))
    const nameOf = new Map(pending.map((runs, at) => [ids[at]!, runs[0]!.capture.name]))
    return {
      done,
      left,
      runsPerSecond: rate,
      ...(rate > 0 ? { secondsLeft: left / rate } : {}),
      jobs: Object.fromEntries(states.map(({ state, jobs }) => [state, Number(jobs)])),
      failed: chunks.flatMap(({ id, error }) => (error === null ? [] : [{ capture: nameOf.get(id)!, error }])),
      hosts: hosts.map(({ host, workers, runs, versions }) => ({
        host,
        workers: Number(workers),
        runs: Number(runs),
        versions: versions.filter((version) => version !== null),
      })),
    }
  } finally {
    await queue.close()
  }
}
