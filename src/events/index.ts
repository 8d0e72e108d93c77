export {
  ABSENT,
  ABSENT_COMM,
  ABSENT_CONTEXT,
  ABSENT_PID,
  Column,
  type ColumnArray,
  Dictionary,
  KindTable,
  type Tables,
} from './columns.ts'
export { countByName, EventBuilder, type Events, eachEvent, eventAt, lossesOf, nameAt, selectEvents } from './events.ts'
export { EXCHANGE_MARK, exchangeColumns, guardText, unguardText } from './exchange.ts'
export { type ColumnType, type FieldMeta, isOptional, metaOf } from './fields.ts'
export {
  eventSchemas,
  type FieldName,
  failedKinds,
  fieldsOf,
  Kind,
  type KindName,
  kindNames,
  kindOfName,
  knownNames,
  recordedFields,
  recordedName,
  snakeCase,
  spine,
  type TraceEvent,
  watchingOfDyntick,
} from './kinds.ts'
export type { Recording } from './recording.ts'
