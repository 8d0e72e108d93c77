/** sim: a machine in simulated time: page allocator, buddy, page lists, locks, timers, grace periods. Knows no traces. */
export {
  type AllocatorMachine,
  type AllocatorObserver,
  BORROWED,
  type BulkFreeCause,
  PageAllocator,
} from './allocator.ts'
export { Buddy, type Fallback, type FallbackFamily } from './buddy.ts'
export { Clocks, type LockPrices, type Spread, type Times } from './clocks.ts'
export {
  GeneratedGracePeriods,
  type GpInterval,
  type GpParams,
  type GracePeriods,
  RecordedGracePeriods,
} from './grace-periods/index.ts'
export { PageSet } from './page-set.ts'
export { PageLists } from './pages.ts'
export { PagesetLists } from './pageset-lists.ts'
export { KINDS, listTable, listTables, pagesets } from './pagesets.ts'
export { Rings } from './rings.ts'
export { Scheduler, type SchedulerTask } from './scheduler.ts'
export { Timers } from './timers.ts'
