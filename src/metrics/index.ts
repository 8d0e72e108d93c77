/** The face of metrics: findings from runs and records, as plain data with schemas. */
/** How much of what lists can save a run saves. */
export { savedOf } from './bounds.ts'
/** All that a comparison says of a capture by itself. */
export { type CaptureFacts, captureFactsOf } from './capture-facts.ts'
/** What was lost or could not be read, in words. */
export { lostWords, skippedIn } from './caveats.ts'
/** Runs of one or more captures become a comparison. */
export type { ComparedCapture } from './compared-capture.ts'
export { composePcp } from './comparison.ts'
/** The result of `compare`, and what reports are made from. */
export { type Comparison, comparisonSchema, type PcpComparison, pcpComparisonSchema } from './comparison-schema.ts'
/** How exactly the recording kernel’s own policy is reproduced. */
export { fidelityOf } from './fidelity.ts'
/** What every comparison holds. */
export type { ComparisonHead } from './head.ts'
/** What fidelity inferred, in sentences. */
export { inferencesOf } from './inferences.ts'
/** How like a synthetic trace is to the capture it imitates. */
export { type Likeness, likenessOf, likenessTo } from './likeness.ts'
/** The questions that a comparison answers, and the verdicts on differences. */
export { type MeasureId, measureIds, measureOf, type VerdictId, verdictHelp } from './measures.ts'
/** All numbers of one run, for tables of thousands of runs. */
export { pcpMeasureNames, pcpMeasures } from './pcp-measures.ts'
/** What requesters of drains waited, as recorded. */
export { recordedDrainsOf } from './recorded-drains.ts'
/** What the kernel did by its own account, and how far its own policy’s replay is from it. */
export { recordedRow } from './recorded-row.ts'
/** The result of `fidelity`, and one run of a comparison. */
export {
  type Bounds,
  type Fidelity,
  fidelitySchema,
  type PcpFidelity,
  pcpFidelitySchema,
  type Run,
} from './schemas.ts'
/** exact ÷ max(recorded, predicted). */
export { scoreOf } from './score.ts'
/** Every measure of every policy beside the baseline. */
export { differencesOf } from './verdicts.ts'
/** Counts of one run. */
export { type Work, workSchema } from './work-schema.ts'
