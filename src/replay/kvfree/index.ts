/** The face of replay/kvfree: kvfree_rcu(), from a recording's events or a workload to runs of a policy. */
export { ColumnArrivals } from './columns.ts'
export { DelayedExecutor, type Delays, ideal } from './delays.ts'
export { KvfreeEngine, type KvfreeResult, type KvfreeSeries } from './engine.ts'
export type { Sample } from './flows.ts'
export { Frees, freeCounts } from './ledger.ts'
export type { RecordedCalls } from './recorded-calls.ts'
export {
  delaysOf,
  type KvfreeRecord,
  type KvfreeRun,
  kvfreeRecord,
  ownKvfree,
  pagesAtStart,
  replayKvfree,
  usualDelays,
} from './replay.ts'
export { runWorkload, type WorkloadRun } from './run-workload.ts'
export { type AnyKvfreeWorkload, kvfreeWorkloads, type Scene } from './workloads/index.ts'
