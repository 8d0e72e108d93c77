import { TraceError } from '#kernel/messages'
import type { Catalogue } from '#policies'
import type { Prepared, RunOutcome, RunRequest } from './measure.ts'
import { type Answer, answer, type PrepareTask, type RunTask, type WholeTask } from './task.ts'

type Task = PrepareTask | RunTask | WholeTask

/** Who reads captures and runs policies: threads, or this one. What threads hand over lies on memory that all share. */
export class RunPool {
  readonly #do: (task: Task) => Promise<Answer>
  readonly #stop: () => Promise<void>

  readonly threads: number

  private constructor(threads: number, work: (task: Task) => Promise<Answer>, stop: () => Promise<void>) {
    this.threads = threads
    this.#do = work
    this.#stop = stop
  }

  /** In this thread: nothing is loaded or compiled twice, and nothing else happens while a run goes on. */
  static here(catalogue: Catalogue): RunPool {
    return new RunPool(
      1,
      (task) => answer(task, async () => catalogue),
      async () => {},
    )
  }

  static async start(threads: number, policyFiles: readonly string[]): Promise<RunPool> {
    const { Piscina } = await import('piscina')
    const ts = import.meta.url.endsWith('.ts')
    const pool = new Piscina<Task, Answer>({
      filename: new URL(`./sweep-worker.${ts ? 'ts' : 'js'}`, import.meta.url).href,
      workerData: { policyFiles },
      minThreads: 0,
      maxThreads: threads,
      idleTimeout: 5000,
      ...(ts ? { execArgv: ['--conditions=kreplay-src', '--disable-warning=ExperimentalWarning'] } : {}),
    })
    return new RunPool(
      threads,
      (task) => pool.run(task),
      () => pool.destroy(),
    )
  }

  async prepare(path: string, isolated?: readonly number[]): Promise<Prepared> {
    const { prepared } = await this.#ask({ do: 'prepare', path, ...(isolated === undefined ? {} : { isolated }) })
    return prepared!
  }

  async run(prepared: Prepared, runs: readonly RunRequest[]): Promise<readonly RunOutcome[]> {
    return (await this.#ask({ do: 'run', prepared, runs })).outcomes!
  }

  async whole(
    path: string,
    family: WholeTask['family'],
    runs: readonly RunRequest[],
  ): Promise<Required<Pick<Answer, 'outcomes' | 'context'>>> {
    const { outcomes, context } = await this.#ask({ do: 'whole', path, family, runs })
    return { outcomes: outcomes!, context: context! }
  }

  async close(): Promise<void> {
    await this.#stop()
  }

  /** An error of a thread arrives as plain data; of an input it is one again here. */
  async #ask(task: Task): Promise<Answer> {
    const said = await this.#do(task)
    if (said.badInput !== undefined) throw new TraceError({ what: said.badInput })
    return said
  }
}
