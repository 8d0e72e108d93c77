export { type CallColumns, type CallKind, ColumnArrivals } from './columns.ts'
export { DelayedExecutor, type Delays, freeInPieces, ideal } from './delays.ts'
export { type BatchRun, KvfreeEngine, type KvfreeResult, type KvfreeSeries, type KvfreeSetting } from './engine.ts'
export type { Flow, Sample } from './flows.ts'
export { Frees, freeCounts, Latencies, Ledger } from './ledger.ts'
export { type RecordedCalls, recordedCalls } from './recorded-calls.ts'
export { RecordedExecutor } from './recorded-executor.ts'
export { type CallbackRun, recordedCallbacks, recordedWorks, type WorkRun } from './recorded-works.ts'
export {
  delaysOf,
  type KvfreeOptions,
  type KvfreeRecord,
  type KvfreeRun,
  kvfreeRecord,
  ownKvfree,
  pagesAtStart,
  replayKvfree,
  usualDelays,
} from './replay.ts'
export { runWorkload, type WorkloadRun } from './run-workload.ts'
export type { BatchSpan } from './spans.ts'
export type { Arrivals, Clock, Executor } from './types.ts'
export { type AnyKvfreeWorkload, kvfreeWorkloads, type Scene } from './workloads/index.ts'
