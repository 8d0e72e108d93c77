/** The face of kernel/numbers: quantiles by nearest rank, and seeded random numbers. */
export { LEAST_FOR_PERCENTILES, percentiles, quantile, quantileOfCounts, rankOf } from './quantiles.ts'
export { type Random, randomOf } from './random.ts'
export { firstWhere } from './sorted.ts'
