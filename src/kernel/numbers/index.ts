/** The face of kernel/numbers: quantiles by nearest rank, seeded random numbers, bisection. */
export { LEAST_FOR_PERCENTILES, percentiles, quantile, quantileOfCounts, rankOf } from './quantiles.ts'
export { type Random, randomOf } from './random.ts'
export { firstIndex } from './sorted.ts'
