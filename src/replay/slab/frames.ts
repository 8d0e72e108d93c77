import { type Events, Kind } from '#events'
import { Addresses } from '#events/columns'
import type { SlabShape } from '#policies/slab'
import { type FoundCaches, UNKNOWN } from './caches.ts'

/** Addresses to page frames: where the kernel maps memory, and where it describes pages. */
export interface Frames {
  readonly pageSize: number
  /** Address of page frame 0, and of its struct page; undefined where the trace does not show it. */
  readonly memory: number | undefined
  readonly pages: number | undefined
}

/** Bytes of a struct page on 64-bit kernels. */
const STRUCT_PAGE = 64

/** The number that turned up most. */
class Most {
  readonly #counts = new Map<number, number>()

  add(value: number): void {
    this.#counts.set(value, (this.#counts.get(value) ?? 0) + 1)
  }

  get value(): number | undefined {
    let best: number | undefined
    for (const [value, count] of this.#counts) if (best === undefined || count > this.#counts.get(best)!) best = value
    return best
  }
}

/** First address of the slab that an object is in: slabs are aligned to their size. */
export const slabAddress = (object: number, order: number, pageSize: number): number => {
  const bytes = pageSize * 2 ** order
  return Math.floor(object / bytes) * bytes
}

/**
 * Learns the addresses from slabs that are made: allocate_slab(), then a block of the slab’s order, then an object in it; and from frees
 * that name object and slab.
 */
export function framesOf(events: Events, found: FoundCaches, shapes: readonly SlabShape[], pageSize: number): Frames {
  const { kind: kinds, slot: slots, cpu: cpus, length, tables, strings } = events
  const { kmem_cache_alloc, kmalloc, slab_slow_path, mm_page_alloc } = tables
  const allocAt = new Addresses(kmem_cache_alloc.column.ptr.data)
  const kmallocAt = new Addresses(kmalloc.column.ptr.data)
  const slabAt = new Addresses(slab_slow_path.column.slab.data)
  const objectAt = new Addresses(slab_slow_path.column.object.data)
  const memory = new Most()
  const made: { cache: number; pfn: number | undefined }[] = []
  for (let row = 0; row < length; row++) {
    const kind = kinds[row]!
    const slot = slots[row]!
    const cpu = cpus[row]!
    if (kind === Kind.slab_slow_path) {
      const cache = found.cacheOfPath[slot]!
      if (cache === UNKNOWN || strings.get(slab_slow_path.column.recordedAs.data[slot]!) !== 'allocate_slab') continue
      made[cpu] = { cache, pfn: undefined }
    } else if (kind === Kind.mm_page_alloc) {
      const own = made[cpu]
      if (own !== undefined && mm_page_alloc.column.order.data[slot] === shapes[own.cache]!.order)
        own.pfn ??= mm_page_alloc.column.pfn.data[slot]!
    } else if (kind === Kind.kmem_cache_alloc || kind === Kind.kmalloc) {
      const own = made[cpu]
      const key = (kind === Kind.kmalloc ? found.keyOfKmalloc : found.keyOfAlloc)[slot]!
      if (own?.pfn === undefined || key === UNKNOWN || found.cacheOf[key] !== own.cache) continue
      const object = (kind === Kind.kmalloc ? kmallocAt : allocAt).at(slot)
      delete made[cpu]
      if (object !== undefined && object !== 0)
        memory.add(slabAddress(object, shapes[own.cache]!.order, pageSize) - own.pfn * pageSize)
    }
  }
  const base = memory.value
  const pages = new Most()
  for (let slot = 0; slot < slab_slow_path.length && base !== undefined; slot++) {
    const cache = found.cacheOfPath[slot]!
    const [slab, object] = [slabAt.at(slot), objectAt.at(slot)]
    if (cache === UNKNOWN || !slab || !object) continue
    const pfn = (slabAddress(object, shapes[cache]!.order, pageSize) - base) / pageSize
    pages.add(slab - pfn * STRUCT_PAGE)
  }
  return { pageSize, memory: base, pages: pages.value }
}

/** First address of a slab by its struct page; undefined where the trace does not show how these are laid out. */
export const addressOfSlab = ({ memory, pages, pageSize }: Frames, slab: number): number | undefined =>
  memory === undefined || pages === undefined ? undefined : memory + ((slab - pages) / STRUCT_PAGE) * pageSize
