export { type ComparedCapture, composeComparison, quantilesOf } from './comparison.ts'
export { fidelityOf, scoreOf } from './fidelity.ts'
export { holdTime, type Priced, type Prices, priceOf, pricesSchema, publishedPrices } from './prices.ts'
export * from './schemas.ts'
