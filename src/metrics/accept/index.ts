/** The face of metrics/accept: findings of accepting memory. */
export { type Boot, bootFor, speedup } from './boot.ts'
export { type AcceptCapture, type AcceptRuns, composeAccept, isConserved } from './comparison.ts'
export * from './schema.ts'
