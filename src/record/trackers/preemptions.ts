/** No task has this number. */
const NOBODY = Number.NaN

/**
 * When tasks were last seen before others ran on their CPU. An allocation records its event last, after it cleared the page: if its task was
 * preempted meanwhile, the page left its list long before.
 */
export class Preemptions {
  /** By CPU: the task of its last event. */
  readonly #now: Float64Array
  /** By CPU: tasks that were last seen there, the first row after them still to come. */
  readonly #leaving: number[][]
  /** First row after a task was last seen. */
  readonly #left = new Map<number, number>()

  constructor(cpus: number) {
    this.#now = new Float64Array(cpus).fill(NOBODY)
    this.#leaving = Array.from({ length: cpus }, () => [])
  }

  /** An event of `task`. Returns the first row after its last event, if others ran on that CPU since. */
  seen(task: number, cpu: number): number | undefined {
    const before = this.#now[cpu]!
    if (before === task) return undefined
    if (!Number.isNaN(before)) this.#leaving[cpu]!.push(before)
    this.#now[cpu] = task
    const left = this.#left.get(task)
    if (left !== undefined) this.#left.delete(task)
    return left
  }

  /** A row of this CPU. */
  row(cpu: number, row: number): void {
    const leaving = this.#leaving[cpu]!
    if (leaving.length === 0) return
    for (const task of leaving) if (task !== this.#now[cpu]) this.#left.set(task, row)
    leaving.length = 0
  }
}
