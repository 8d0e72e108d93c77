import type { Events } from '#events'
import { ABSENT_CONTEXT, ABSENT_PID } from '#events/columns'

/** Bits of `context`: softirq, hardirq, NMI. */
const INTERRUPT = 7

/** Interrupts bear the pid of whom they interrupt. */
export const isInterrupt = ({ context }: Events, at: number): boolean =>
  context[at] !== ABSENT_CONTEXT && (context[at]! & INTERRUPT) !== 0

/** Who an event is of: a task, or what interrupts it; without pids, whatever runs on the CPU. */
export const taskOf = (events: Events, at: number): number => {
  const pid = events.pid[at]!
  return pid === ABSENT_PID ? -1 - events.cpu[at]! : 2 * pid + Number(isInterrupt(events, at))
}

/** Direct reclaim just ended; a request to empty all lists was made. Else: the row of the bulk free that goes on. */
export const RECLAIMED = -1
export const REQUESTING = -2

interface Doing {
  readonly cpu: number
  readonly what: number
}

/** What tasks did last, as far as it tells whose the pages are that they drain next. */
export class DrainTasks {
  readonly #doing = new Map<number, Doing>()

  /** The task does something else than draining. Returns the row of its bulk free if it is on another CPU by now. */
  acts(task: number, cpu: number): number | undefined {
    const doing = this.#doing.size === 0 ? undefined : this.#doing.get(task)
    if (doing === undefined) return undefined
    this.#doing.delete(task)
    return doing.what >= 0 && doing.cpu !== cpu ? doing.what : undefined
  }

  begins(task: number, cpu: number, what: number): void {
    this.#doing.set(task, { cpu, what })
  }

  /** What the task is at; undefined: nothing that explains a drained page on this CPU. A request stays one wherever its task goes. */
  doing(task: number, cpu: number): number | undefined {
    const doing = this.#doing.get(task)
    return doing === undefined || (doing.what >= 0 && doing.cpu !== cpu) ? undefined : doing.what
  }
}
