import { Worker } from 'node:worker_threads'
import { renderHtml } from '#report'
import type { Engine, FromWorker, Kit, Question } from '#report/worker'
import { commandOf } from '../command-line.ts'
import { type ComparisonRequest, compared } from '../compare-files.ts'
import { onSharedMemory } from '../jobs/shared.ts'
import { kitOf } from '../kit.ts'

/** A capture that is being explored: its page, and the thread that answers what the page asks. */
export class Explored {
  readonly page: string
  readonly #engine: Engine | undefined
  #thread: Worker | undefined
  readonly #waiting = new Map<number, (message: FromWorker) => void>()

  constructor(page: string, engine: Engine | undefined) {
    this.page = page
    this.#engine = engine
  }

  /** Compares a capture as `compare` does, all of it within reach of questions. */
  static async of(request: ComparisonRequest): Promise<Explored> {
    let engine: Engine | undefined
    const { comparison, ids, set } = await compared(request, {
      whole: true,
      take: (one) => {
        engine = one
      },
    })
    const command = commandOf({ captures: request.captures, isolated: request.isolated })
    const kit: Kit | undefined =
      engine === undefined ? undefined : kitOf(engine, { policies: ids, baseline: comparison.baseline, set }, command)
    return new Explored(await renderHtml(comparison, kit, true), engine)
  }

  /** Undefined where the page has nothing that replays. */
  ask(id: number, question: Question, quick: boolean): Promise<FromWorker> | undefined {
    if (this.#engine === undefined) return undefined
    this.#thread ??= this.#start(this.#engine)
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve)
      this.#thread!.postMessage({ kind: 'ask', id, question, quick })
    })
  }

  #start(engine: Engine): Worker {
    const ts = import.meta.url.endsWith('.ts')
    const thread = new Worker(new URL(`./answer-thread.${ts ? 'ts' : 'js'}`, import.meta.url), {
      workerData: onSharedMemory(engine),
      ...(ts ? { execArgv: ['--conditions=kreplay-src', '--disable-warning=ExperimentalWarning'] } : {}),
    })
    const answer = (message: FromWorker & { id: number }): void => {
      this.#waiting.get(message.id)?.(message)
      this.#waiting.delete(message.id)
    }
    thread.on('message', answer)
    thread.on('error', (error: Error) => {
      for (const id of this.#waiting.keys()) answer({ kind: 'refused', id, why: error.message })
      this.#thread = undefined
    })
    thread.unref()
    return thread
  }

  async close(): Promise<void> {
    await this.#thread?.terminate()
  }
}
