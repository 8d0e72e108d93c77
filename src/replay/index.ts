export {
  type CpuFidelity,
  Fidelity,
  type FidelityRun,
  type Miss,
  missHelp,
  type PageScore,
  type Score,
} from './fidelity.ts'
export { infer, inferredFrom, ownPolicy } from './inferred.ts'
export { type Burst, type Inferred, Replay, type ReplayOptions, type ReplayResult, WorkCounts } from './replay.ts'
export { type PolicyRun, runPolicy } from './run.ts'
export { Op, type Script, scriptNotices, scriptOf } from './script.ts'
