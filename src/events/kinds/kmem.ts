import { type FieldSchema, field } from '../exchange/fields.ts'

const ptr = field
  .pointer('The object: an address, or in text without `nohash-ptr` a hash of it; absent where even that is hidden.')
  .optional()
const freed = field
  .pointer('The object, as in allocations. 0: the call had nothing to free. Absent where the text hides it.')
  .optional()
const callSite = field.text('The caller: `symbol+0xoffset`, with ` [module]` where known.')
const cacheName = field.text('The slab cache; known of allocations from 7.2 on, of frees from 5.12 on.').optional()
const asked = {
  bytesReq: field.count('Bytes asked for.', 'bytes'),
  bytesAlloc: field.count('Bytes of the object taken.', 'bytes'),
  gfpFlags: field.gfp(),
  node: field.signed('NUMA node asked for; −1 is any. Before 6.1 only the `_node` events have it.').optional(),
  accounted: field.flag('Whether it is charged to a memory cgroup; of kmalloc only text tells.').optional(),
  recordedAs: field.text('The name it was recorded by, where that is an older one: `kmalloc_node`.').optional(),
}
const nodeId = field.signed('NUMA node.')

const page = { pfn: field.pfn(), order: field.order(), migratetype: field.migratetype() }

/** events/kmem.h, Linux 5.10 to 7.2. An allocation that failed is a kind of its own: page frame 0 and address 0 are not its result. */
export const kmem = {
  mm_page_alloc: { ...page, gfpFlags: field.gfp() },
  mm_page_alloc_failed: { order: field.order(), migratetype: field.migratetype(), gfpFlags: field.gfp() },
  mm_page_free: { pfn: field.pfn(), order: field.order() },
  mm_page_free_batched: { pfn: field.pfn() },
  mm_page_alloc_zone_locked: {
    pfn: field.pfn(),
    order: field.order(),
    migratetype: field.migratetype('5.10: the type asked for; 6.1 and later: the free list used.'),
    percpuRefill: field.flag('Stored from 6.1 on; on 5.10 the text prints order == 0.').optional(),
  },
  mm_page_pcpu_drain: page,
  mm_page_alloc_extfrag: {
    pfn: field.pfn(),
    allocOrder: field.order('Order asked for.'),
    fallbackOrder: field.order('Order of the block taken.'),
    allocMigratetype: field.migratetype('Migratetype asked for.'),
    fallbackMigratetype: field.migratetype('Migratetype taken from.'),
    changeOwnership: field.flag('Whether the whole pageblock changed its type.'),
  },
  kmalloc: { callSite, ptr, ...asked },
  kmalloc_failed: { callSite, ...asked },
  kmem_cache_alloc: { callSite, ptr, cacheName, ...asked },
  kmem_cache_alloc_failed: { callSite, cacheName, ...asked },
  kfree: { callSite, ptr: freed },
  kmem_cache_free: { callSite, ptr: freed, cacheName },
  rss_stat: {
    mmId: field.count('Hash of the mm: equal for equal mms of one boot.'),
    curr: field.flag('Whether the mm is the running task’s own.'),
    member: field.count('Counter: 0 file, 1 anonymous, 2 swap entries, 3 shmem.'),
    size: field.long('The counter’s new value.', 'bytes'),
  },
  // 6.12 only. Source: __alloc_contig_migrate_range() passes its arguments in another order than the event declares them.
  mm_alloc_contig_migrate_range_info: {
    start: field.bits('First page frame.'),
    end: field.bits('Page frame after the last.'),
    nrMigrated: field.long('As recorded by 6.12, whose four labels are rotated: this holds the migratetype.'),
    nrReclaimed: field.long('As recorded by 6.12: this holds the pages migrated.', 'pages'),
    nrMapped: field.long('As recorded by 6.12: this holds the pages reclaimed.', 'pages'),
    migratetype: field.signed('As recorded by 6.12: this holds the pages mapped.', 'pages'),
  },
  mm_setup_per_zone_wmarks: {
    nodeId,
    zoneName: field.text('Zone.'),
    watermarkMin: field.long('Watermark min.', 'pages'),
    watermarkLow: field.long('Watermark low.', 'pages'),
    watermarkHigh: field.long('Watermark high.', 'pages'),
    watermarkPromo: field.long('Watermark promo.', 'pages'),
  },
  mm_setup_per_zone_lowmem_reserve: {
    nodeId,
    zoneName: field.text('Zone.'),
    upperName: field.text('Zone whose allocations leave the reserve alone.'),
    lowmemReserve: field.long('The reserve.', 'pages'),
  },
  mm_calculate_totalreserve_pages: { totalreservePages: field.long('Pages held in reserve, of all zones.', 'pages') },
} as const satisfies Record<string, Record<string, FieldSchema>>
