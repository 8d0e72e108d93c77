import type { Machine } from '#kernel'
import { factsOf } from '#kernel/releases'
import type { SlabCounters } from '#kernel/slab'
import { sheafCapacity } from '#policies/kvfree'
import type { SlabShape } from '#policies/slab'
import type { FoundCache } from './caches.ts'

const PAGE_ALLOC_COSTLY_ORDER = 3

const log2 = (bytes: number): number => Math.floor(Math.log2(bytes))

/** calculate_order(), mm/slub.c, 6.12: the smallest slab of enough objects that wastes little. */
export function slabOrder(size: number, pageSize: number, cpus: number): number {
  const perSlab = (order: number): number => Math.floor((pageSize << order) / size)
  const orderOf = (bytes: number): number => Math.max(0, Math.ceil(Math.log2(bytes / pageSize)))
  const most = Math.max(perSlab(PAGE_ALLOC_COSTLY_ORDER), 1)
  const least = Math.min(4 * (log2(Math.max(cpus, 1)) + 2), most)
  for (let fraction = 16; fraction > 1; fraction /= 2)
    for (let order = orderOf(least * size); order <= PAGE_ALLOC_COSTLY_ORDER; order++) {
      const slab = pageSize << order
      if (slab % size <= slab / fraction) return order
    }
  return orderOf(size)
}

/** set_cpu_partial(), mm/slub.c, 5.10 and 6.12: objects that a CPU’s partial slabs may hold free. */
function cpuPartialOf(size: number, pageSize: number, inObjects: boolean): number {
  if (size >= pageSize) return inObjects ? 2 : 6
  if (size >= 1024) return inObjects ? 6 : 24
  if (size >= 256) return inObjects ? 13 : 52
  return inObjects ? 30 : 120
}

/** set_min_partial(), mm/slub.c: more for larger objects, from 5 to 10. */
const minPartialOf = (size: number): number => Math.max(5, Math.min(10, Math.floor(log2(size) / 2)))

/** What a cache is called and how it is built: as its kernel said, else as it would have been. */
export function shapeOf(
  name: string,
  { bytes }: Pick<FoundCache, 'bytes'>,
  { pageSize, cpus, release }: Pick<Machine, 'pageSize' | 'cpus' | 'release'>,
  counters: SlabCounters | undefined,
  id: string | undefined,
): SlabShape {
  const stats = id === undefined ? undefined : counters?.stats[id]
  const info = counters?.info.find((line) => line.name === name || line.name === id)
  const said = (file: string): number | undefined => stats?.[file]?.total
  const size = said('slab_size') ?? info?.size ?? Math.max(bytes, 8)
  const order =
    said('order') ??
    (info === undefined ? undefined : log2(info.pagesPerSlab)) ??
    slabOrder(size, pageSize, cpus.length)
  const perSlab = Math.max(1, said('objs_per_slab') ?? info?.perSlab ?? Math.floor((pageSize << order) / size))
  const capacity = said('sheaf_capacity')
  return {
    name,
    size,
    perSlab,
    order: Math.min(order, 10),
    minPartial: said('min_partial') ?? minPartialOf(size),
    // Kernels without partial slabs of CPUs print 0.
    cpuPartial: said('cpu_partial') || cpuPartialOf(size, pageSize, factsOf(release).slabLimitInObjects),
    sheafCapacity: capacity || sheafCapacity(size),
  }
}
