/** events: the typed event stream. One schema per kind, columns that hold millions of events, and the demand of a workload. */
export { type BoundCause, boundNotices, type ValueBounds, withinBounds } from './bounds.ts'
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
export { positional } from './kinds/positional.ts'
export {
  commonFields,
  countedKinds,
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
export { withStandIns } from './stand-ins.ts'
