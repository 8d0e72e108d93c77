import type { Notice } from '#kernel/messages'

/** Events keep their stamps: which of two in the wrong order is wrong, the trace does not tell. */
export const timeNotices = {
  'time-backwards': {
    level: 'error',
    help: 'Events stamped before their predecessor on the same CPU: the rows are not in the order of time, or stamps are wrong.',
  },
} as const satisfies Record<string, Notice>

/** Room for more is made when a trace has one. */
const FEW_CPUS = 256

/** The last time of each CPU, on none of which time runs backwards. */
export class CpuTimes {
  #last = new Float64Array(FEW_CPUS).fill(Number.NEGATIVE_INFINITY)

  /** Takes the next event's time, ns; says whether it lies before that of the event before it. */
  goBack(cpu: number, time: number): boolean {
    if (cpu >= this.#last.length) this.#grow()
    const last = this.#last[cpu]!
    this.#last[cpu] = time
    return time < last
  }

  #grow(): void {
    const all = new Float64Array(0x10000).fill(Number.NEGATIVE_INFINITY)
    all.set(this.#last)
    this.#last = all
  }
}
