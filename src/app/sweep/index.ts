import { availableParallelism } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { UsageError } from '#kernel/messages'
import type { Progress } from '../progress.ts'
import type { QueueStatus } from '../queue/status.ts'
import type { Worked } from '../queue/worker.ts'
import { PAGE, writePage } from '../report.ts'
import { checkOutput, writeWhole } from '../write-files.ts'
import { estimateOf, type SweepEstimate } from './estimate.ts'
import { usualCache } from './local-capture.ts'
import { type Plan, planOf, type Shard } from './plan.ts'
import { csvOf, type Failure, resultOf, type SweepResult } from './results.ts'
import { missingOf, runLocally } from './run.ts'
import { readScenario } from './scenario-file.ts'
import { Store } from './store.ts'
import { summaryOf } from './summary.ts'

export interface SweepRequest {
  readonly scenario: string
  /** Folder of results; default beside the scenario. */
  readonly store?: string | undefined
  /** Folder for captures that come from elsewhere. */
  readonly cache?: string | undefined
  readonly jobs?: number | undefined
  /** MiB that captures in work may take. */
  readonly memory?: number | undefined
  /** `2/8`: the second of eight parts. */
  readonly shard?: string | undefined
  readonly csv?: string | undefined
  /** An HTML report. */
  readonly output?: string | undefined
  /** Runs of a chunk. */
  readonly chunk?: number | undefined
  /** `postgres://HOST/DATABASE`, or `embedded`: the runs are done by workers. */
  readonly queue?: string | undefined
  /** Tries of a job after the first. */
  readonly retries?: number | undefined
  readonly onNotice?: ((text: string) => void) | undefined
  readonly progress?: Progress | undefined
}

/** `results.yaml` → `results.results` beside it. */
export const storeOf = (scenario: string, given: string | undefined): string =>
  given ?? join(dirname(scenario), `${basename(scenario).replace(/\.(ya?ml|json)$/, '')}.results`)

const settingsOf = ({ jobs, memory, progress }: SweepRequest) => ({
  threads: jobs ?? availableParallelism(),
  memory: memory === undefined ? process.availableMemory() * 0.6 : memory * 2 ** 20,
  onProgress: progress ?? (() => {}),
})

/** `fetch`: whether this machine needs captures from elsewhere, and not only their digests. */
async function opened(request: SweepRequest, fetch: boolean): Promise<{ readonly plan: Plan; readonly store: Store }> {
  if (request.output !== undefined) checkOutput(request.output, PAGE)
  if (request.csv !== undefined) checkOutput(request.csv, ['.csv'])
  const from = await readScenario(request.scenario)
  const plan = await planOf(from, {
    cache: request.cache ?? usualCache(),
    onProgress: request.progress,
    chunk: request.chunk,
    fetch,
    ...(request.shard === undefined ? {} : { shard: shardOf(request.shard) }),
  })
  return { plan, store: await Store.open(storeOf(request.scenario, request.store)) }
}

/** How many runs a scenario comes to, how long they take and how much memory. Nothing is run but for a measurement. */
export async function planSweep(request: SweepRequest): Promise<SweepEstimate> {
  const { plan, store } = await opened(request, true)
  return await estimateOf(plan, store, settingsOf(request))
}

/** Does what is not done yet; the result holds everything that is, or what one shard asked for. */
export async function runSweep(request: SweepRequest): Promise<SweepResult> {
  const { plan, store } = await opened(request, request.queue === undefined)
  const failed = await failuresOf(request, plan, store)
  const result = await resultOf(plan, store, failed)
  return await written(request, result)
}

/** Also as the files that were asked for. */
async function written({ csv, output }: SweepRequest, result: SweepResult): Promise<SweepResult> {
  if (csv !== undefined) await writeWhole(csv, csvOf(result))
  if (output !== undefined)
    await writePage(output, async () => (await import('./page.ts')).sweepPage(result, summaryOf(result)))
  return result
}

async function failuresOf(request: SweepRequest, plan: Plan, store: Store): Promise<readonly Failure[]> {
  const { queue, shard, jobs, retries, onNotice } = request
  const { onProgress } = settingsOf(request)
  if (queue === undefined) return await runLocally(plan, store, settingsOf(request))
  if (shard !== undefined)
    throw new UsageError('--shard and --queue exclude each other: a queue shares the runs out itself')
  const { runByQueue } = await import('../queue/index.ts')
  return await runByQueue(plan, store, {
    address: queue,
    workers: jobs,
    cache: request.cache ?? usualCache(),
    onProgress,
    ...(retries === undefined ? {} : { retries }),
    ...(onNotice === undefined ? {} : { onNotice }),
  })
}

/** What is done of a sweep. */
export interface SweepStatus {
  readonly runs: number
  readonly done: number
  readonly captures: readonly { readonly name: string; readonly runs: number; readonly done: number }[]
  readonly store: string
  /** With `queue`: what workers do for it. */
  readonly queue?: QueueStatus
}

export async function sweepStatus(request: SweepRequest): Promise<SweepStatus> {
  const { plan, store } = await opened(request, false)
  const left = new Map(missingOf(plan, store).map(({ capture, runs }) => [capture, runs.length]))
  const captures = plan.captures.map((capture) => {
    const runs = plan.runsOf(capture).length
    return { name: capture.name, runs, done: runs - (left.get(capture) ?? 0) }
  })
  const queue =
    request.queue === undefined
      ? {}
      : { queue: await (await import('../queue/index.ts')).queueStatus(plan, store, request.queue) }
  const sum = (of: (one: (typeof captures)[number]) => number) => captures.reduce((all, one) => all + of(one), 0)
  return { runs: sum(({ runs }) => runs), done: sum(({ done }) => done), captures, store: store.folder, ...queue }
}

/** What the store holds of a sweep. */
export async function readSweep(request: SweepRequest): Promise<SweepResult> {
  const { plan, store } = await opened(request, false)
  return await written(request, await resultOf(plan, store))
}

/** @throws UsageError for a text that is none */
function shardOf(text: string): Shard {
  const [, index, count] = /^(\d{1,7})\/(\d{1,7})$/.exec(text)?.map(Number) ?? []
  if (index === undefined || count === undefined || index < 1 || index > count)
    throw new UsageError(`--shard ${text} is no part of a whole`, 'an example: --shard 2/8, the second of eight')
  return { index, count }
}

export interface WorkerRequest {
  readonly queue: string
  readonly jobs?: number | undefined
  readonly cache?: string | undefined
  /** MiB that captures may take. */
  readonly memory?: number | undefined
  readonly policyFiles: readonly string[]
  readonly idleSeconds?: number | undefined
  readonly drain: AbortSignal
  readonly onEvent?: (text: string) => void
}

/** Works on a queue until `drain`, or until it was empty for so long. */
export async function work(request: WorkerRequest): Promise<Worked> {
  const { runWorker } = await import('../queue/index.ts')
  const { threads, memory } = settingsOf({ scenario: '', ...request })
  return await runWorker({ ...request, jobs: threads, memory, cache: request.cache ?? usualCache() })
}

export type { SweepEstimate } from './estimate.ts'
export type { SweepResult } from './results.ts'
export { sweepJsonSchema } from './scenario-schema.ts'
export { type SweepSummary, summaryOf } from './summary.ts'
