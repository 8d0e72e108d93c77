/** events: the typed event stream. One schema per kind, columns that hold millions of events, and the demand of a workload. */
export { type BoundCause, boundNotices, type ValueBounds, withinBounds } from './bounds.ts'
export {
  ABSENT,
  ABSENT_COMM,
  ABSENT_CONTEXT,
  ABSENT_PID,
  type AnyColumn,
  Column,
  type ColumnArray,
  Dictionary,
  KindTable,
  type LateText,
  newTables,
  type Tables,
} from './columns.ts'
export { compactPages } from './compact-pages.ts'
export { ANY_ZONE, Ask, balancesOf, type Demand, DemandBuilder, PAST_LISTS, type Task } from './demand.ts'
export {
  countByName,
  EventBuilder,
  type Events,
  eachEvent,
  eventAt,
  joined,
  lossesOf,
  nameAt,
  selectEvents,
} from './events.ts'
export { EXCHANGE_MARK, exchangeColumns, guardText, unguardText } from './exchange.ts'
export { type ColumnType, type FieldMeta, type FieldSchema, innerOf, isOptional, metaOf } from './fields.ts'
export { positional } from './kinds/positional.ts'
export {
  commonFields,
  dyntickOfWatching,
  eventSchemas,
  failedKinds,
  fieldsOf,
  Kind,
  type KindName,
  kindNames,
  kindOfName,
  probedKinds,
  recordedFields,
  recordedName,
  type TraceEvent,
  watchingOfDyntick,
} from './kinds.ts'
export { defaultProbes, type Probe, Probes, probesSchema } from './probes.ts'
export type { Recording, Scenario } from './recording.ts'
export { Selection } from './selection.ts'
export { withStandIns } from './stand-ins.ts'
export { NO_PFN, type StartState, Touch, type Touches, type WhatIf } from './what-if.ts'
