import { Op } from './script.ts'
import type { Rows } from './script-columns.ts'

/**
 * vfree() from 7.2 on: pages that follow one another are announced one by one, then freed as naturally aligned blocks of which no
 * event tells. The rows of such a run become those blocks: the last rows of the run, since frees begin after the last event.
 * Source: free_pages_bulk(), free_prepared_contig_range(), mm/page_alloc.c, v7.2.
 */
export class ContiguousFrees {
  readonly #rows: Rows
  /** By CPU: the run that goes on. */
  readonly #runs: (number[] | undefined)[] = []

  constructor(rows: Rows) {
    this.#rows = rows
  }

  /** An order-0 page freed on `cpu`, at this row. */
  free(cpu: number, row: number): void {
    const { pfn } = this.#rows
    const run = this.#runs[cpu]
    if (run !== undefined && pfn[run[run.length - 1]!]! + 1 === pfn[row]) run.push(row)
    else {
      this.end(cpu)
      this.#runs[cpu] = [row]
    }
  }

  /** Whatever else happens on `cpu` ends its run. */
  end(cpu: number): void {
    const run = this.#runs[cpu]
    if (run === undefined) return
    this.#runs[cpu] = undefined
    const { pfn, order, op } = this.#rows
    const blocks: { pfn: number; order: number }[] = []
    const first = pfn[run[0]!]!
    for (let done = 0; done < run.length; ) {
      let size = 0
      while ((first + done) % (2 << size) === 0 && done + (2 << size) <= run.length) size++
      blocks.push({ pfn: first + done, order: size })
      done += 1 << size
    }
    run.forEach((row, at) => {
      const block = blocks[at - run.length + blocks.length]
      op[row] = block === undefined ? Op.none : Op.free
      if (block === undefined) return
      pfn[row] = block.pfn
      order[row] = block.order
    })
  }
}
