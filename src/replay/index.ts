/** replay: demand × policy → work that was done: counts, series, waits. */
export { type AcceptResult, runAccept } from './accept/accept.ts'
export { carriedOver, spanWithin, type Window } from './carry-over.ts'
export { Foresight } from './foresight.ts'
export {
  type AnyKvfreeWorkload,
  type Delays,
  delaysOf,
  Frees,
  freeCounts,
  type KvfreeRecord,
  type KvfreeRun,
  type KvfreeSeries,
  kvfreeRecord,
  kvfreeWorkloads,
  ownKvfree,
  pagesAtStart,
  type RecordedCalls,
  replayKvfree,
  runWorkload,
  type Scene,
  usualDelays,
  type WorkloadRun,
} from './kvfree/index.ts'
export { type Plan, type PolicyWork, planOf, type Variation, withParam } from './plan.ts'
export { record } from './recorder.ts'
export { type Burst, type ReplayResult, WorkCounts } from './result.ts'
export { waysOf } from './routes.ts'
export { type PolicyRun, type RunOptions, runPolicy } from './run.ts'
export { stepEndsOf } from './series.ts'
export { StepSums } from './step-sums.ts'
