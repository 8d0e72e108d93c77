/** The face of replay/slab: the slab allocator, from a recording's events to runs of a policy. */
export { riseOf } from './counters.ts'
export { recordedSlabPages, withSlabPages } from './pages.ts'
export { ownSlab, type RecordedCache, type SlabRecord, slabRecord } from './recorded.ts'
export { type CacheRun, runSlab, type SlabRun, USUAL_GRACE_PERIOD_NS } from './run.ts'
