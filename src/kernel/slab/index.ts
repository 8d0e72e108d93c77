/** The face of kernel/slab: what the slab allocator says of itself. */
export type { SlabCounters, SlabInfo, SlabStat } from './slab-counters.ts'
