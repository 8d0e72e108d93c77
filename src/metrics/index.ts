/** metrics: runs and the record → findings: totals, quantiles, bounds, prices, verdicts, and the survey of a trace. */
export * from './accept/index.ts'
export { savedOf } from './bounds.ts'
export { lostWords, skippedIn } from './caveats.ts'
export { type ComparedCapture, composeHead, composePcp, quantilesOf, type ReplayedCapture } from './comparison.ts'
export { type Comparison, comparisonSchema, type PcpComparison, pcpComparisonSchema } from './comparison-schema.ts'
export {
  type Cross,
  type CrossCell,
  composeCross,
  crossCell,
  crossSchema,
  errorOf,
  rateLike,
} from './cross.ts'
export {
  type CrossMeasure,
  type CrossPair,
  type CrossRun,
  type CrossSetting,
  crossMeasures,
  crossPairs,
  crossRates,
  recordedRates,
} from './cross-pairs.ts'
export { publishedFastPaths, trylockNs } from './fast-paths.ts'
export { fidelityOf } from './fidelity.ts'
export { type ComparisonHead, comparisonHeadSchema } from './head.ts'
export { inferencesOf } from './inferences.ts'
export * from './kvfree/index.ts'
export { type Likeness, type LikenessRow, likenessOf, likenessTo } from './likeness.ts'
export {
  type Difference,
  type Measure,
  type MeasureId,
  measureIds,
  measureOf,
  type RecordedRow,
  type Totals,
  type VerdictId,
  verdictHelp,
} from './measures.ts'
export { holdTime, lockPricesOf, type Priced, type Prices, priceOf, pricesSchema, publishedPrices } from './prices.ts'
export { recordedDrainsOf } from './recorded-drains.ts'
export * from './schemas.ts'
export { scoreOf } from './score.ts'
export * from './survey/index.ts'
export { differencesOf } from './verdicts.ts'
