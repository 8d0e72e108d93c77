import { type PcpChoice, shipped } from '#policies'
import { type PolicyRun, type PolicyWork, runPolicy } from '#replay'
import type { Common, Task } from './replay-worker.ts'
import { onSharedMemory } from './shared.ts'

/** Rows replayed, of all runs, below which threads hardly pay: each takes most of a second to start and to compile what it runs. */
const WORTH_THREADS = 1e8

/** Threads that are worth starting for these runs, of at most `jobs`. */
export function threadsFor(
  work: readonly PolicyWork[],
  { demand }: Pick<Common['whatIf'], 'demand'>,
  jobs: number,
): number {
  const rows = work.reduce((sum, { options }) => sum + demand.length * Math.max(1, options.prices?.length ?? 1), 0)
  return rows < WORTH_THREADS ? 1 : Math.min(jobs, work.length)
}

/** Whether another thread, or a page, has the code of a choice. An id names one policy: no file may give one that ships. */
export const isShipped = ({ lists, drain }: Pick<PcpChoice, 'lists' | 'drain'>): boolean =>
  shipped.lists.some(({ id }) => id === lists.id) && shipped.drains.some(({ id }) => id === drain.id)

/**
 * Runs policies over one demand, in so many threads; in one, or where a policy is code that only this thread has, here. The results,
 * and their order, are the same in any number.
 */
export async function runPolicies(
  work: readonly PolicyWork[],
  common: Common,
  threads: number,
  onRun: (id: string) => void,
): Promise<PolicyRun[]> {
  const here = ({ choice, options }: PolicyWork): PolicyRun => {
    onRun(choice.id)
    return runPolicy(common.whatIf, choice, options)
  }
  if (threads < 2) return work.map(here)
  const { Piscina } = await import('piscina')
  const ts = import.meta.url.endsWith('.ts')
  const pool = new Piscina<Task, PolicyRun>({
    filename: new URL(`./replay-worker.${ts ? 'ts' : 'js'}`, import.meta.url).href,
    workerData: onSharedMemory(common),
    minThreads: 0,
    maxThreads: threads,
    ...(ts ? { execArgv: ['--conditions=kreplay-src', '--disable-warning=ExperimentalWarning'] } : {}),
  })
  try {
    const away = new Map<PolicyWork, Promise<PolicyRun>>()
    for (const one of work.filter(({ choice }) => isShipped(choice))) {
      const { choice, options, set } = one
      const { ways, ...rest } = options
      const task = { id: choice.id, route: choice.route, options: { ...rest, ways: onSharedMemory(ways) }, set }
      const run = pool.run(task).then((result) => {
        onRun(choice.id)
        return result
      })
      away.set(one, run)
    }
    return await Promise.all(work.map((one) => away.get(one) ?? here(one)))
  } finally {
    await pool.destroy()
  }
}
