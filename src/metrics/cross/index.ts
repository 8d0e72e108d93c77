/** The face of metrics/cross: One kernel’s capture under another’s rules, against what that recorded. */
export { type Cross, type CrossCell, composeCross, crossCell, crossSchema, errorOf } from './cross.ts'
export {
  type CrossPair,
  type CrossRun,
  type CrossSetting,
  crossMeasures,
  crossPairs,
  crossRates,
  pairsWithin,
  recordedRates,
} from './cross-pairs.ts'
