import { TraceError, UsageError } from '#kernel/messages'
import type { Catalogue } from '#policies'
import {
  type CaptureContext,
  type Prepared,
  preparePcp,
  type RunOutcome,
  type RunRequest,
  runPcp,
  runWhole,
  type WholeFamily,
} from './measure.ts'

export interface PrepareTask {
  readonly do: 'prepare'
  readonly path: string
  readonly isolated?: readonly number[]
}

export interface RunTask {
  readonly do: 'run'
  readonly prepared: Prepared
  readonly runs: readonly RunRequest[]
}

export interface WholeTask {
  readonly do: 'whole'
  readonly path: string
  readonly family: WholeFamily
  readonly runs: readonly RunRequest[]
}

export interface Answer {
  readonly prepared?: Prepared
  readonly outcomes?: readonly RunOutcome[]
  readonly context?: CaptureContext
  /** Why an input can’t be used. */
  readonly badInput?: string
}

/** Does one task. An input that can’t be used is an answer too. */
export async function answer(
  task: PrepareTask | RunTask | WholeTask,
  catalogue: () => Promise<Catalogue>,
): Promise<Answer> {
  try {
    if (task.do === 'prepare') return { prepared: await preparePcp(task.path, task.isolated) }
    if (task.do === 'run') return { outcomes: runPcp(task.prepared, task.runs, await catalogue()) }
    return await runWhole(task.path, task.family, task.runs, await catalogue())
  } catch (error) {
    if (error instanceof TraceError || error instanceof UsageError) return { badInput: error.message }
    throw error
  }
}
