import type { Events } from '#events'
import { ABSENT } from '#events/columns'
import { SlabAsk, type SlabDemandBuilder } from '#events/demand'
import type { Cpu } from '#kernel'
import type { FoundCache } from './caches.ts'

/** ___GFP_DIRECT_RECLAIM, 5.10 to 7.2. Allocations from a prefilled sheaf use GFP_NOWAIT, which lacks it. */
const GFP_DIRECT_RECLAIM = 0x400

/**
 * Functions of the maple tree that ask for one node themselves, with GFP_NOWAIT first (`mas_wr_preallocate()`). All others of its functions take nodes that
 * were asked for before: `mas_pop_node()`, which is inlined.
 */
const ASKING =
  /^(mas_store_gfp|mas_erase|mas_insert|mas_alloc_cyclic|mas_alloc_nodes|mas_wr_preallocate|mas_nomem|mas_preallocate|mtree_)/

/** `mas_prealloc_calc()`: 2k + 1 nodes for a store that changes k levels of the tree; stores across nodes take 3k + 1, but no event shows which these are. */
const askedFor = (objects: number): number => Math.max(3, objects | 1)

interface Run {
  readonly pid: number
  readonly cache: number
  readonly row: number
  objects: number
}

/**
 * Sheaves that the maple tree prefills before it stores: `kmem_cache_prefill_sheaf()`, `kmem_cache_alloc_from_sheaf()`,
 * `kmem_cache_return_sheaf()`, mm/slub.c; `mas_alloc_nodes()`, `mas_pop_node()`, `mas_empty_nodes()`, lib/maple_tree.c: 3c1ea5c5019f "slab: sheaf
 * prefilling for guaranteed allocations" and 6bf377b06c08 "maple_tree: Add single node allocation support to maple state" (6.18). No event shows when a
 * sheaf is taken or returned. Consecutive allocations of one task are taken to be from one sheaf, which the task’s next other operation on the cache
 * returns. It asked for at least as many objects as it took.
 */
export class Prefills {
  readonly #events: Events
  readonly #builder: SlabDemandBuilder
  /** By cache: whether the maple tree's nodes are of it. */
  readonly #nodes: readonly boolean[]
  readonly #isAsking = new Map<number, boolean>()
  readonly #open: (Run | undefined)[] = []
  /** By cache: allocations from prefilled sheaves. */
  readonly allocs: number[] = []

  constructor(events: Events, builder: SlabDemandBuilder, caches: readonly FoundCache[]) {
    this.#events = events
    this.#builder = builder
    this.#nodes = caches.map(({ names }) => names.includes('maple_node'))
  }

  /** Whether an allocation is from a prefilled sheaf of its task. */
  isOut(cache: number, slot: number): boolean {
    if (this.#nodes[cache] !== true) return false
    const { gfpFlags, callSite } = this.#events.tables.kmem_cache_alloc.column
    const gfp = gfpFlags.data[slot]!
    if (gfp === ABSENT.u32 || (gfp & GFP_DIRECT_RECLAIM) !== 0) return false
    const site = callSite.data[slot]!
    let asking = this.#isAsking.get(site)
    if (asking === undefined) {
      const name = this.#events.strings.get(site) ?? ''
      // Without a symbol the caller is unknown.
      asking = !/^[a-z_]/i.test(name) || ASKING.test(name)
      this.#isAsking.set(site, asking)
    }
    return !asking
  }

  /** To be called before an allocation from a prefilled sheaf. */
  take(time: number, cpu: Cpu, pid: number, cache: number): void {
    this.allocs[cache] = (this.allocs[cache] ?? 0) + 1
    const open = this.#open[cpu]
    if (open?.pid === pid && open.cache === cache) {
      this.#builder.settlePrefill(open.row, askedFor(++open.objects))
      return
    }
    this.end(time, cpu)
    const row = this.#builder.push(time, SlabAsk.prefill, cpu, cache, askedFor(1))
    this.#open[cpu] = { pid, cache, row, objects: 1 }
  }

  /** To be called before any other operation of a CPU on a cache. */
  endOf(time: number, cpu: Cpu, cache: number): void {
    if (this.#open[cpu]?.cache === cache) this.end(time, cpu)
  }

  end(time: number, cpu: Cpu): void {
    const open = this.#open[cpu]
    if (open === undefined) return
    this.#open[cpu] = undefined
    this.#builder.push(time, SlabAsk.returnPrefilled, cpu, open.cache, 0)
  }

  endAll(time: number): void {
    for (const cpu of this.#open.keys()) this.end(time, cpu)
  }
}
