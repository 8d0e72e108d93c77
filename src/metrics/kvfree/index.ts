/** The face of metrics/kvfree: findings of kvfree_rcu(). */
export { composeKvfree, type KvfreeCapture, measureKvfree, measureWorkload } from './comparison.ts'
export { hasKvfree, kvfreeFidelity } from './fidelity.ts'
export { type KvfreeAgreement, type KvfreeFidelity, kvfreeFidelitySchema } from './fidelity-schema.ts'
export { type KvfreeCheck, kvfreeCheck } from './model-error.ts'
export { type PublishedTable, publishedFor, publishedRcuscale } from './published.ts'
export { footprintMiB } from './rcuscale.ts'
export {
  type KvfreeComparedRun,
  type KvfreeComparison,
  type KvfreeWork,
  kvfreeComparisonSchema,
  kvfreeWorkSchema,
} from './schema.ts'
