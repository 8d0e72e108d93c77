import { Ask, type Demand, DemandBuilder } from '#events/demand'
import { type Cpu, migratetypeOf, NS_PER_SECOND, type Ns, type Order, parseGfp, type Release } from '#kernel'
import { factsOf } from '#kernel/releases'

/** What workloads allocate, by the flags that their callers in the kernel use. */
const uses = {
  /** Anonymous memory at a page fault: vma_alloc_zeroed_movable_folio(). */
  anonymous: { order: 0, gfp: 'GFP_HIGHUSER_MOVABLE|__GFP_ZERO' },
  /** Transparent huge page at a fault: do_huge_pmd_anonymous_page(). */
  huge: { order: 9, gfp: 'GFP_TRANSHUGE_LIGHT|__GFP_ZERO' },
  /** Page cache of a read: page_cache_ra_unbounded(). */
  cache: { order: 0, gfp: 'GFP_HIGHUSER_MOVABLE|__GFP_NORETRY|__GFP_NOWARN' },
  /** Page table: pte_alloc_one(). */
  table: { order: 0, gfp: 'GFP_KERNEL_ACCOUNT|__GFP_ZERO' },
  /** Slabs of inodes and dentries: SLAB_RECLAIM_ACCOUNT. */
  inodes: { order: 2, gfp: 'GFP_KERNEL|__GFP_RECLAIMABLE|__GFP_COMP' },
  /** Other slabs. */
  slab: { order: 1, gfp: 'GFP_KERNEL_ACCOUNT|__GFP_COMP' },
  taskStructs: { order: 3, gfp: 'GFP_KERNEL|__GFP_COMP' },
  /** A network driver’s receive buffers: order 3 as in SKB_FRAG_PAGE_ORDER. */
  network: { order: 3, gfp: 'GFP_ATOMIC|__GFP_COMP|__GFP_NOWARN' },
  /** One of the four pages of a vmapped kernel stack. */
  stack: { order: 0, gfp: 'GFP_KERNEL_ACCOUNT' },
} as const satisfies Record<string, { order: Order; gfp: string }>
export type Use = keyof typeof uses

export interface Block {
  readonly block: number
  readonly order: Order
  readonly migratetype: number
}

/** Where and by whom something is done. */
export interface Who {
  readonly cpu: Cpu
  readonly task: number
}

/** The page operations of a workload that is being made. What would come after its end does not happen. */
export class Scene {
  readonly end: Ns
  readonly #builder = new DemandBuilder()
  readonly #flags: Readonly<Record<Use, number>>
  readonly #bulkAllocator: boolean

  constructor(seconds: number, release: Release) {
    this.end = seconds * NS_PER_SECOND
    this.#flags = Object.fromEntries(
      Object.entries(uses).map(([use, { gfp }]) => [use, parseGfp(gfp, release).bits]),
    ) as Record<Use, number>
    // Without alloc_pages_bulk() kernel stacks were single pages.
    this.#bulkAllocator = factsOf(release).bulkAllocator
  }

  orderOf(use: Use): Order {
    return uses[use].order
  }

  task(pid: number, comm: string): number {
    return this.#builder.task(pid, comm)
  }

  alloc(time: Ns, { cpu, task }: Who, use: Use, order: Order = uses[use].order): Block | undefined {
    if (time >= this.end) return undefined
    const block = this.#builder.newBlock()
    const gfpFlags = this.#flags[use]
    const migratetype = migratetypeOf(gfpFlags)
    const ask = use === 'stack' && this.#bulkAllocator ? Ask.bulkAlloc : Ask.alloc
    this.#builder.push({ time, ask, cpu, task, block, order, migratetype, gfpFlags })
    return { block, order, migratetype }
  }

  free(time: Ns, { cpu, task }: Who, block: Block | undefined): void {
    if (block !== undefined && time < this.end) this.#builder.push({ time, ask: Ask.free, cpu, task, ...block })
  }

  /** Frees blocks as one list, as munmap(), unlink() and reclaim do. */
  freeList(time: Ns, { cpu, task }: Who, blocks: readonly (Block | undefined)[]): void {
    if (time >= this.end) return
    for (const block of blocks)
      if (block !== undefined) this.#builder.push({ time, ask: Ask.freeListed, cpu, task, ...block })
  }

  drainRequest(time: Ns, { cpu, task }: Who): void {
    if (time < this.end) this.#builder.push({ time, ask: Ask.drainRequest, cpu, task })
  }

  directReclaim(begin: Ns, end: Ns, { cpu, task }: Who, pages: number): void {
    if (end >= this.end) return
    const gfpFlags = this.#flags.anonymous
    this.#builder.push({ time: begin, ask: Ask.directReclaimBegin, cpu, task, gfpFlags })
    this.#builder.push({ time: end, ask: Ask.directReclaimEnd, cpu, task, block: pages })
  }

  kswapdWake(time: Ns, { cpu, task }: Who): void {
    if (time < this.end) this.#builder.push({ time, ask: Ask.kswapdWake, cpu, task })
  }

  kswapdSleep(time: Ns, { cpu, task }: Who): void {
    if (time < this.end) this.#builder.push({ time, ask: Ask.kswapdSleep, cpu, task })
  }

  finish(): Demand {
    return this.#builder.finish()
  }
}
