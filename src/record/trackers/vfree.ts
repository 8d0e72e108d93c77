import { type Events, Kind } from '#events'
import type { PageIndex } from '../places.ts'
import { isInterrupt } from './drain-tasks.ts'

/** A free whose page went with the block of another row. */
export const SWALLOWED = 254
export const UNCHANGED = 255

/** By slot of mm_page_free: the block that it frees. */
export interface ContiguousFrees {
  /** SWALLOWED or UNCHANGED, else the block's order. */
  readonly order: Uint8Array
  readonly pfn: Uint32Array
}

/**
 * vfree() from 7.2 on: pages that follow one another are announced one by one, then freed as naturally aligned blocks that have no
 * events. The last frees of such a run become these blocks, since the kernel frees after the last event.
 * Source: free_pages_bulk(), free_prepared_contig_range(), mm/page_alloc.c, v7.2.
 */
export function contiguousFrees(events: Events, index: PageIndex, workers: ReadonlySet<number>): ContiguousFrees {
  const { pfn: pfns, order: orders } = events.tables.mm_page_free.column
  const freed: ContiguousFrees = {
    order: new Uint8Array(pfns.data.length).fill(UNCHANGED),
    pfn: new Uint32Array(pfns.data.length),
  }
  // By CPU: the slots of the run that goes on.
  const runs: number[][] = []
  for (let at = 0; at < events.length; at++) {
    const cpu = events.cpu[at]!
    let run = runs[cpu]
    if (run === undefined) {
      run = []
      runs[cpu] = run
    }
    if (events.kind[at] !== Kind.mm_page_free) {
      if (run.length > 0) end(run)
      continue
    }
    const slot = events.slot[at]!
    const pfn = pfns.data[slot]!
    if (index.zone(pfn) < 0) continue
    const joins = orders.data[slot] === 0 && workers.has(events.comm[at]!) && !isInterrupt(events, at)
    const last = run.at(-1)
    if (last !== undefined && (!joins || pfns.data[last]! + 1 !== pfn)) end(run)
    if (joins) run.push(slot)
  }
  for (const run of runs) if (run !== undefined) end(run)
  return freed

  function end(run: number[]): void {
    if (run.length > 1) {
      const blocks = blocksOf(pfns.data[run[0]!]!, run.length)
      run.forEach((slot, at) => {
        const block = blocks[at - run.length + blocks.length]
        freed.order[slot] = block === undefined ? SWALLOWED : block.order
        if (block !== undefined) freed.pfn[slot] = block.pfn
      })
    }
    run.length = 0
  }
}

/** Naturally aligned blocks that cover `pages` pages from `first` on, each the largest that fits. */
function blocksOf(first: number, pages: number): { pfn: number; order: number }[] {
  const blocks: { pfn: number; order: number }[] = []
  for (let done = 0; done < pages; ) {
    let order = 0
    while ((first + done) % (2 << order) === 0 && done + (2 << order) <= pages) order++
    blocks.push({ pfn: first + done, order })
    done += 1 << order
  }
  return blocks
}
