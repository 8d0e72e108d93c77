/** Many machines: the same scenario by a queue in PostgreSQL. Loaded by `--queue` and `worker` alone. */
import { availableParallelism } from 'node:os'
import type { Plan } from '../sweep/plan.ts'
import type { Failure } from '../sweep/results.ts'
import type { Store } from '../sweep/store.ts'
import { startEmbedded } from './embedded.ts'
import { startWorkers } from './local-workers.ts'
import { type QueueSettings, runQueued } from './planner.ts'

const EMBEDDED = 'embedded'

/** As `runQueued`; `embedded` starts a server and workers of its own, and ends them. */
export async function runByQueue(
  plan: Plan,
  store: Store,
  settings: QueueSettings & { readonly workers?: number | undefined; readonly cache: string },
): Promise<readonly Failure[]> {
  if (settings.address !== EMBEDDED) return await runQueued(plan, store, settings)
  const server = await startEmbedded()
  const saved = process.env.PGPASSWORD
  Object.assign(process.env, server.env)
  const files = plan.code.flatMap(({ file }) => ['--policy', file])
  const args = ['--queue', server.address, '--cache', settings.cache, ...files]
  const workers = startWorkers(settings.workers ?? availableParallelism(), args, server.env, (text) =>
    settings.onNotice?.(text.trim()),
  )
  try {
    return await runQueued(plan, store, { ...settings, address: server.address })
  } finally {
    await workers.stop()
    await server.stop()
    if (saved === undefined) delete process.env.PGPASSWORD
    else process.env.PGPASSWORD = saved
  }
}

export { queueStatus } from './status.ts'
export { runWorker } from './worker.ts'
