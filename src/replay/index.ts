/** replay: demand × policy → work that was done: counts, series, waits. */
export { type AcceptResult, type AcceptWork, runAccept } from './accept/accept.ts'
export { Foresight, type LockWork } from './foresight.ts'
export {
  type AnyKvfreeWorkload,
  type Arrivals,
  type BatchRun,
  type BatchSpan,
  type CallbackRun,
  type CallColumns,
  type CallKind,
  type Clock,
  ColumnArrivals,
  DelayedExecutor,
  type Delays,
  delaysOf,
  type Executor,
  type Flow,
  Frees,
  freeCounts,
  freeInPieces,
  ideal,
  KvfreeEngine,
  type KvfreeOptions,
  type KvfreeRecord,
  type KvfreeResult,
  type KvfreeRun,
  type KvfreeSeries,
  type KvfreeSetting,
  kvfreeRecord,
  kvfreeWorkloads,
  Latencies,
  Ledger,
  ownKvfree,
  pagesAtStart,
  type RecordedCalls,
  RecordedExecutor,
  recordedCallbacks,
  recordedCalls,
  recordedWorks,
  replayKvfree,
  runWorkload,
  type Sample,
  type Scene,
  usualDelays,
  type WorkloadRun,
  type WorkRun,
} from './kvfree/index.ts'
export { type Recorded, record } from './recorder.ts'
export { Replay } from './replay.ts'
export { type Burst, type ReplayOptions, type ReplayResult, WorkCounts } from './result.ts'
export { waysOf } from './routes.ts'
export { type PolicyRun, type RunOptions, runPolicy } from './run.ts'
export { StepSums } from './step-sums.ts'
