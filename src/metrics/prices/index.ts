/** The face of metrics/prices: price lists, which turn work into time, and published costs of fast paths. */
export { publishedFastPaths, trylockNs } from './fast-paths.ts'
export { type MeasuredPrices, measuredPricesSchema, measurePrices } from './measured.ts'
export { holdTime, lockPricesOf, type Prices, pricesSchema, publishedPrices } from './prices.ts'
