/** estimate: what the kernel did × its own rules → its hidden state, how exactly it is reproduced, and the demand. */
export { demandOf } from './demand-of.ts'
export { buddyAtStart, buddyinfoOf, type PageStart } from './free-start.ts'
export { type Inference, infer, ownPolicy } from './inferred.ts'
export { type Later, type LaterRefills, laterOf } from './later.ts'
export { type RecordedPages, recordedPages } from './recorded-pages.ts'
export {
  type CpuFidelity,
  type FidelityRun,
  type InitialLists,
  type Miss,
  missCauses,
  type PageScore,
  type Score,
  type Total,
  type Totals,
} from './scores.ts'
export { Seen } from './sightings.ts'
export { progressOf, recordedStages, type StagePages, stagesOf } from './stages.ts'
export { listsFor, type StartLists, startListsOf } from './start-lists.ts'
export { touchesOf } from './touches.ts'
export { whatIfOf } from './what-if.ts'
export type { Inferred } from './what-if-start.ts'
