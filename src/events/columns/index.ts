/** The face of events/columns: The columns that hold millions of events, and their dictionaries. */
export { Addresses, AddressRows, FREED, NEVER_SEEN, PageRows } from './addresses.ts'
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
  moved,
  newTables,
  type Tables,
} from './columns.ts'
export { compactPages } from './compact-pages.ts'
export { Selection } from './selection.ts'
export { withoutRows } from './without-rows.ts'
