import { MAX_CPU, u64, type Window } from './record-types.ts'

/** Samples that a BPF program did not want, which is no loss. */
const LOST_TO_BPF = 1 << 15

/** What was lost on each CPU: as counted where it happened, and as summed up at the end. */
export class Losses {
  readonly #little: boolean
  readonly #cpuById = new Map<number, number>()
  readonly #counted = new Map<number, number>()
  readonly #summed = new Map<number, number>()

  constructor(little: boolean) {
    this.#little = little
  }

  /** PERF_RECORD_ID_INDEX: which CPU each id is of. */
  noteIds({ view }: Window, at: number, end: number): void {
    for (let entry = at + 16; entry + 32 <= end; entry += 32) {
      const cpu = u64(view, entry + 16, this.#little)
      if (cpu <= MAX_CPU) this.#cpuById.set(u64(view, entry, this.#little), cpu)
    }
  }

  cpuOf(id: number): number | undefined {
    return this.#cpuById.get(id)
  }

  add(cpu: number, count: number): void {
    add(this.#counted, cpu, count)
  }

  /**
   * From 6.1 on, perf asks each event at the end how many samples it lost in all, and writes the sum (PERF_RECORD_LOST_SAMPLES) without
   * a time. The losses that have a record of their own are among them.
   */
  addSum({ view }: Window, at: number, id: number | undefined, said: number | undefined): void {
    if ((view.getUint16(at + 4, this.#little) & LOST_TO_BPF) !== 0) return
    const cpu = this.#cpuById.get(id ?? -1) ?? said ?? 0
    add(this.#summed, cpu <= MAX_CPU ? cpu : 0, u64(view, at + 8, this.#little))
  }

  /** By CPU, how many have no record of their own. */
  unlocated(): [cpu: number, count: number][] {
    return [...this.#summed]
      .map(([cpu, total]): [number, number] => [cpu, total - (this.#counted.get(cpu) ?? 0)])
      .filter(([, rest]) => rest > 0)
  }
}

const add = (counts: Map<number, number>, key: number, count: number): void => {
  counts.set(key, (counts.get(key) ?? 0) + count)
}
