/** sim: a machine in simulated time: page allocator, buddy, page lists, locks, timers, grace periods. Knows no traces. */
export { PageAllocator } from './allocator.ts'
export { type AllocatorObserver, BORROWED, type BulkFreeCause, type BulkHold } from './allocator-types.ts'
export { Buddy } from './buddy.ts'
export { Clocks, type LockPrices, type Times } from './clocks.ts'
export type { Fallback, FallbackFamily } from './fallback.ts'
export {
  GeneratedGracePeriods,
  type GpInterval,
  type GracePeriods,
  RecordedGracePeriods,
} from './grace-periods/index.ts'
export { PageSet } from './page-set.ts'
export { PageLists } from './pages.ts'
export { KINDS, listTable, pagesets } from './pagesets.ts'
export { Scheduler, type SchedulerTask } from './scheduler.ts'
export { Timers } from './timers.ts'
