import { type EventBuilder, Kind } from '#events'
import type { Dictionary, Tables } from '#events/columns'
import type { Symbols } from './trace-dat/symbols.ts'

/**
 * Functions that every stack of these events begins with: of tracing, of the page allocator, and the entrances of the slab
 * allocator. Where slab itself takes pages, `allocate_slab` stays: that is who asked for them. Leading `_`, `_noprof` (6.10 on) and
 * what compilers append are taken off before. Source: mm/page_alloc.c, mm/mempolicy.c, mm/swap.c, mm/slub.c, mm/slab.c, Linux
 * 2.6.32 to 7.2 (`alloc_kmem_pages` and `free_kmem_pages`: 3.15 to 4.7; `free_hot_cold_page`: up to 4.14).
 */
const ALLOCATOR = new RegExp(
  `^(?:${[
    'trace_event_\\w+|traceiter_\\w+|trace_buffer\\w*|ftrace_trace_stack|trace_stack|perf_trace_\\w+|perf_tp_event',
    'alloc_page|alloc_page_(?:interleave|vma|nid)|alloc_kmem_pages?(?:_node)?|page_cache_alloc|alloc_(?:frozen_)?pages(?:_\\w+)?|get_free_pages?|get_zeroed_page',
    'get_page_from_freelist|rmqueue\\w*|prep_new_page|post_alloc_hook',
    'folio_alloc(?:_mpol|_node)?|vma_alloc_\\w*folio',
    'free_kmem_pages|free_hot_cold_page(?:_list)?|free_hot_page|pagevec_(?:free|release)|free_pages?|free_pages_(?:ok|bootmem|core|exact|nolock|prepare)|free_frozen_pages?(?:_\\w+)?|free_unref_\\w+|free_one_page',
    'free_pcppages_bulk|free_compound_page|free_transhuge_page|destroy_(?:large_folio|compound_page)',
    'put_page|put_pages_list|put_single_page|put_compound_page|release_pages|folios?_put\\w*',
    'kmalloc(?:_node)?(?:_track_caller)?|kmalloc_(?:large|cache|order)\\w*|do_kmalloc_node|kmalloc_(?:node_)?trace',
    'do_kmalloc|slab_alloc(?:_node)?|slab_free\\w*|do_slab_free|cache_alloc|cache_free|kmem_cache_(?:zalloc|alloc|free)\\w*|krealloc\\w*|kfree|kfree_sensitive|kzfree',
  ].join('|')})$`,
)

const ADDRESS = /^(?:0x)?[0-9a-f]{8,16}$|^0x/

/** `vfs_write.isra.0+0x10/0x20 [ext4]` → `vfs_write`, as the source calls it. */
const functionOf = (symbol: string): string =>
  symbol.replace(/[+ ].*$/s, '').replace(/(?!^)\.(?:part|constprop|isra|cold|llvm)\b.*$/, '')

/** Whether a function is nobody's caller. */
const isAllocator = (name: string): boolean => ALLOCATOR.test(name.replace(/^[_.]+/, '').replace(/_noprof$/, ''))

/** The payload of a `kernel_stack` event; its slot. */
export function pushStack({ kernel_stack: table }: Tables, caller: number): number {
  const slot = table.push()
  table.column.caller.data[slot] = caller
  return slot
}

/** A stack's functions, the innermost first: the first beyond the allocator gives the event, and the others are left. */
export class StackReader {
  readonly #builder: EventBuilder
  #time = 0
  #cpu = 0
  #pid = 0
  #comm = 0
  #context = 0
  #isOpen = false

  constructor(builder: EventBuilder) {
    this.#builder = builder
  }

  /** Functions of a stack follow; it has this head. */
  begin(time: number, cpu: number, pid: number, comm: number, context: number): void {
    this.#time = time
    this.#cpu = cpu
    this.#pid = pid
    this.#comm = comm
    this.#context = context
    this.#isOpen = true
  }

  end(): void {
    this.#isOpen = false
  }

  /** Takes the next function, `vfs_write+0x10/0x20 [ext4]` or less; says whether it gave the event. */
  take(symbol: string): boolean {
    const caller = functionOf(symbol)
    if (!this.#isOpen || isAllocator(caller)) return false
    this.#isOpen = false
    // Beyond a function without a name nothing is known to be its caller.
    if (ADDRESS.test(caller)) return false
    const slot = pushStack(this.#builder.tables, this.#builder.strings.add(caller))
    this.#builder.add(this.#time, this.#cpu, this.#pid, this.#comm, this.#context, Kind.kernel_stack, slot)
    return true
  }
}

const NOBODY = -1
const UNNAMED = -2
/** Marks of perf's between addresses: what follows was run in the kernel, in user space, … */
const FIRST_MARK = 0xffff_ffff_ffff_f000n
const USER_MARK = 0xffff_ffff_ffff_fe00n

/** Finds the caller of a stack of addresses; what an address is called is looked up once. */
export class CallersByAddress {
  readonly #symbols: Symbols
  readonly #strings: Dictionary
  readonly #known = new Map<bigint, number>()

  constructor(symbols: Symbols, strings: Dictionary) {
    this.#symbols = symbols
    this.#strings = strings
  }

  /** The number of the caller's string; −1 where no function that has a name is one. The addresses have `size` bytes each. */
  find(view: DataView, from: number, to: number, size: 4 | 8, little: boolean): number {
    for (let at = from; at + size <= to; at += size) {
      const address = size === 8 ? view.getBigUint64(at, little) : BigInt(view.getUint32(at, little))
      if (address === USER_MARK) break
      if (address >= FIRST_MARK) continue
      const caller = this.#callerAt(address)
      if (caller === UNNAMED) break
      if (caller !== NOBODY) return caller
    }
    return -1
  }

  #callerAt(address: bigint): number {
    let caller = this.#known.get(address)
    if (caller === undefined) {
      const name = functionOf(this.#symbols.name(address))
      caller = name === '' || ADDRESS.test(name) ? UNNAMED : isAllocator(name) ? NOBODY : this.#strings.add(name)
      this.#known.set(address, caller)
    }
    return caller
  }
}
