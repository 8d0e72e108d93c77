import { Op, type Script } from '#record'
import type { EarlyPop } from './history.ts'

/** An allocation that came after others ran on the CPU of its task. */
interface Preempted extends EarlyPop {
  readonly cpu: number
  readonly zone: number
}

/** So many of them are asked for at once. */
const MOST = 12

/**
 * Allocations that may have taken their page long before their event: its task was last seen before others ran on its CPU, and the event
 * is recorded last, after the page is cleared. Source: post_alloc_hook(), __alloc_pages(), mm/page_alloc.c, v5.10 to v7.2.
 */
export class PreemptedPops {
  /** By CPU, in order of `from`. */
  readonly #byCpu: readonly Preempted[][]

  readonly #script: Script

  constructor(script: Script) {
    this.#script = script
    const { length, op, cpu, zone, order, preemptedAtRow, cpus } = script
    this.#byCpu = Array.from({ length: cpus }, () => [])
    for (let row = 0; row < length; row++) {
      const from = preemptedAtRow[row]!
      if (op[row] !== Op.alloc || from === 0) continue
      this.#byCpu[cpu[from]!]!.push({ from, row, order: order[row]!, cpu: cpu[from]!, zone: zone[row]! })
    }
    for (const pops of this.#byCpu) pops.sort((a, b) => a.from - b.from)
  }

  /** Whether an allocation of this block is still to come at a row by a task that was preempted on this CPU before it. */
  mayHold(cpu: number, pfn: number, order: number, row: number): boolean {
    const { pfn: pfns } = this.#script
    return this.#byCpu[cpu]!.some(
      (pop) => pop.from <= row && pop.row > row && pop.order === order && pfns[pop.row] === pfn,
    )
  }

  /**
   * Those of a pageset that may have left after one row and up to another, as early as they may: the largest blocks first, then the shortest
   * waits.
   */
  between(cpu: number, zone: number, after: number, upTo: number): EarlyPop[] {
    const all = this.#byCpu[cpu]!.filter((pop) => pop.zone === zone && pop.row > after && pop.from <= upTo)
    all.sort((a, b) => b.order - a.order || a.row - a.from - (b.row - b.from))
    return all.slice(0, MOST).map(({ from, row, order }) => ({ from: Math.max(from, after + 1), row, order }))
  }
}
