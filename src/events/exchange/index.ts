/** The face of events/exchange: How fields are written in CSV, NDJSON, Arrow and Parquet. */
export { EXCHANGE_MARK, exchangeColumns, guardText, unguardText } from './exchange.ts'
export { type ColumnType, type FieldMeta, type FieldSchema, innerOf, isOptional, metaOf } from './fields.ts'
