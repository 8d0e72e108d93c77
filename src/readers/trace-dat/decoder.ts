import { failedKinds, Kind, type Probes } from '#events'
import type { KindTable } from '#events/columns'
import { isOptional } from '#events/exchange'
import type { Decoder, DecoderContext, Window } from './decoder-types.ts'
import type { EventFormat, RecordField } from './layout.ts'
import { otherRow } from './others.ts'
import { rowOf } from './row.ts'
import { stackDecoder } from './stack-row.ts'
import { integerOf } from './values.ts'

/** Whether the format lacks a field which its kind must have: such events are kept as kind `other`. */
function lacksFields(format: EventFormat, table: KindTable, probes: Probes): boolean {
  return table.list.some(({ name, schema }) => fieldOf(format, name, probes) === undefined && !isOptional(schema))
}

/** The recorded field of a column; of an array's element, the bytes where it stands. */
function fieldOf(format: EventFormat, column: string, probes: Probes): RecordField | undefined {
  const { names, index } = probes.fieldsOf(format.name, column)
  const field = names.map((name) => format.field(name)).find((found) => found !== undefined)
  if (field === undefined || index === undefined) return field
  const size = field.size >> 2
  return { ...field, array: false, size, offset: field.offset + index * size }
}

/** Compiles the decoder of one format. Source of every offset and size: the recorded format file. */
export function compileDecoder(format: EventFormat, context: DecoderContext): Decoder | undefined {
  const kind = context.probes.kindOf(format.name)
  const pid = format.field('common_pid')
  if (pid === undefined || pid.size !== 4) return undefined
  const flags = format.field('common_flags')
  const spine = {
    need: format.fields.reduce((need, { offset, size }) => Math.max(need, offset + size), 2),
    pidAt: pid.offset,
    flagsAt: flags?.size === 1 ? flags.offset : -1,
  }
  if (kind === undefined || lacksFields(format, context.tables[kind], context.probes)) {
    return { ...spine, kind: Kind.other, row: otherRow(format, context) }
  }
  const caller = kind === 'kernel_stack' ? format.field('caller') : undefined
  // kreplay's own writer keeps only the name.
  if (caller?.place === 'inline') return stackDecoder(spine, format, caller, context)
  const own = (column: string) => fieldOf(format, column, context.probes)
  const row = rowOf(format, context.tables[kind], context, own)
  const result = format.field(kind === 'mm_page_alloc' ? 'pfn' : 'ptr')
  if (!(kind in failedKinds) || result === undefined) return { ...spine, kind: Kind[kind], row }
  const failed = failedKinds[kind as keyof typeof failedKinds]
  const otherwise = { ...spine, kind: Kind[failed], row: rowOf(format, context.tables[failed], context, own) }
  // An allocation that failed is its own kind of event. Source: `TP_fast_assign` of mm_page_alloc, pfn −1 for no page.
  if (kind === 'mm_page_alloc') {
    const value = integerOf({ ...result, signed: true }, context)
    // Only a pfn that does not fit its column is looked at again: page events are many.
    return {
      ...spine,
      kind: Kind[kind],
      row,
      otherwise: { ...otherwise, row: onlyIf((window, at) => value(window, at) === -1n, otherwise.row) },
    }
  }
  const { little } = context
  const { offset, size } = result
  const isNull = (window: Window, at: number): boolean =>
    window.view.getUint32(at + offset, little) === 0 &&
    (size === 4 || window.view.getUint32(at + offset + 4, little) === 0)
  return {
    ...spine,
    kind: Kind[kind],
    row: onlyIf((window, at) => !isNull(window, at), row),
    otherwise: { ...otherwise, row: onlyIf(isNull, otherwise.row) },
  }
}

const onlyIf =
  (holds: (window: Window, at: number) => boolean, row: Decoder['row']): Decoder['row'] =>
  (window, at, length) =>
    holds(window, at) ? row(window, at, length) : -1
