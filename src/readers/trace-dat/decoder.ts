import {
  ABSENT,
  type Column,
  type Dictionary,
  failedKinds,
  isOptional,
  Kind,
  type KindTable,
  kindOfName,
  recordedFields,
  recordedName,
  type Tables,
  watchingOfDyntick,
} from '#events'
import { cString } from './bytes.ts'
import { KnownStrings } from './known-strings.ts'
import type { EventFormat, RecordField } from './layout.ts'
import type { Symbols } from './symbols.ts'

/** The bytes that decoders read from: a page or a chunk of pages, exchanged as reading goes on. */
export interface Window {
  view: DataView
  bytes: Uint8Array
}

/** Reads records of one event format straight into the columns of its kind. */
export interface Decoder {
  readonly kind: number
  /** Bytes that a record has at least. */
  readonly need: number
  readonly pidAt: number
  /** −1: the format has no flags. */
  readonly flagsAt: number
  /** What to try when `row` could not: an allocation that failed has an all-ones pfn. */
  readonly otherwise?: Decoder
  /** Writes the record at `at` and returns its slot; −1 if a value does not fit its column, and nothing is written. */
  row(at: number, length: number): number
}

export interface DecoderContext {
  readonly window: Window
  readonly little: boolean
  readonly tables: Tables
  readonly strings: Dictionary
  readonly symbols: Symbols
  readonly printk: () => ReadonlyMap<bigint, string>
}

/** Writes one field of the record at `at` to a column; false if the value does not fit. */
type Write = (at: number, slot: number, length: number) => boolean

/** Whether the format lacks a field which its kind must have: such events are kept as kind `other`. */
export function lacksFields(format: EventFormat, table: KindTable): boolean {
  return table.list.some(({ name, schema }) => fieldOf(format, name) === undefined && !isOptional(schema))
}

/** The recorded field of a column; of an array's element, the bytes where it stands. */
function fieldOf(format: EventFormat, column: string): RecordField | undefined {
  const { names, index } = recordedFields(column)
  const field = names.map((name) => format.field(name)).find((found) => found !== undefined)
  if (field === undefined || index === undefined) return field
  const size = field.size >> 2
  return { ...field, array: false, size, offset: field.offset + index * size }
}

/** Compiles the decoder of one format. Source of every offset and size: the recorded format file. */
export function compileDecoder(format: EventFormat, context: DecoderContext): Decoder | undefined {
  const kind = kindOfName(format.name)
  const pid = format.field('common_pid')
  if (pid === undefined || pid.size !== 4) return undefined
  const flags = format.field('common_flags')
  const spine = {
    need: format.fields.reduce((need, { offset, size }) => Math.max(need, offset + size), 2),
    pidAt: pid.offset,
    flagsAt: flags?.size === 1 ? flags.offset : -1,
  }
  if (kind === undefined || lacksFields(format, context.tables[kind])) {
    return { ...spine, kind: Kind.other, row: otherRow(format, context) }
  }
  const row = tableRow(format, context.tables[kind], context)
  const result = format.field(kind === 'mm_page_alloc' ? 'pfn' : 'ptr')
  if (!(kind in failedKinds) || result === undefined) return { ...spine, kind: Kind[kind], row }
  const failed = failedKinds[kind as keyof typeof failedKinds]
  const otherwise = { ...spine, kind: Kind[failed], row: tableRow(format, context.tables[failed], context) }
  // An allocation that failed is its own kind of event. Source: `TP_fast_assign` of mm_page_alloc, pfn −1 for no page.
  if (kind === 'mm_page_alloc') {
    const value = integerOf({ ...result, signed: true }, context)
    // Only a pfn that does not fit its column is looked at again: page events are many.
    return {
      ...spine,
      kind: Kind[kind],
      row,
      otherwise: { ...otherwise, row: onlyIf((at) => value(at) === -1n, otherwise.row) },
    }
  }
  const { window, little } = context
  const { offset, size } = result
  const isNull = (at: number): boolean =>
    window.view.getUint32(at + offset, little) === 0 &&
    (size === 4 || window.view.getUint32(at + offset + 4, little) === 0)
  return {
    ...spine,
    kind: Kind[kind],
    row: onlyIf((at) => !isNull(at), row),
    otherwise: { ...otherwise, row: onlyIf(isNull, otherwise.row) },
  }
}

const onlyIf =
  (holds: (at: number) => boolean, row: Decoder['row']): Decoder['row'] =>
  (at, length) =>
    holds(at) ? row(at, length) : -1

function tableRow(format: EventFormat, table: KindTable, context: DecoderContext): Decoder['row'] {
  const writes: Write[] = table.list.map((column) => {
    if (column.name === 'recordedAs') return writeRecordedAs(column, format.name, table, context)
    const field = fieldOf(format, column.name)
    if (field === undefined) return writeAbsent(column)
    return writeOf(column, field, context, format.name === 'rcu_dyntick' ? watchingOfDyntick : undefined)
  })
  const [first, second] = writes
  if (writes.length === 1 && first !== undefined) {
    return (at, length) => {
      const slot = table.push()
      if (first(at, slot, length)) return slot
      table.length = slot
      return -1
    }
  }
  if (writes.length === 2 && first !== undefined && second !== undefined) {
    return (at, length) => {
      const slot = table.push()
      if (first(at, slot, length) && second(at, slot, length)) return slot
      table.length = slot
      return -1
    }
  }
  return (at, length) => {
    const slot = table.push()
    for (let index = 0; index < writes.length; index++) {
      if (!writes[index]!(at, slot, length)) {
        table.length = slot
        return -1
      }
    }
    return slot
  }
}

function writeAbsent(column: Column): Write {
  const absent = ABSENT[column.type]
  return (_at, slot) => {
    ;(column.data as unknown as (number | bigint)[])[slot] = absent
    return true
  }
}

/** An older name is kept beside the kind's own. */
function writeRecordedAs(column: Column, recorded: string, { kind }: KindTable, { strings }: DecoderContext): Write {
  if (recordedName(kind) === recorded) return writeAbsent(column)
  const number = strings.add(recorded)
  return (_at, slot) => {
    ;(column.data as Uint32Array)[slot] = number
    return true
  }
}

/**
 * One small function a column type and field size, so that each meets one kind of array only: that is what makes
 * it fast. Fields in the usual sizes have their own; the rest goes by way of bigint.
 */
function writeOf(
  column: Column,
  field: RecordField,
  context: DecoderContext,
  turn: (text: string) => string = (text) => text,
): Write {
  const { window, little, strings } = context
  const { offset, size } = field
  switch (column.type) {
    case 'u32': {
      if (size === 4) {
        return (at, slot) => {
          const value = window.view.getUint32(at + offset, little)
          ;(column.data as Uint32Array)[slot] = value
          return value !== ABSENT.u32
        }
      }
      if (size === 8) {
        const [lowAt, highAt] = little ? [offset, offset + 4] : [offset + 4, offset]
        return (at, slot) => {
          const value = window.view.getUint32(at + lowAt, little)
          ;(column.data as Uint32Array)[slot] = value
          return value !== ABSENT.u32 && window.view.getUint32(at + highAt, little) === 0
        }
      }
      break
    }
    case 'u8': {
      if (size === 4) {
        return (at, slot) => {
          const value = window.view.getUint32(at + offset, little)
          ;(column.data as Uint8Array)[slot] = value
          return value < ABSENT.u8
        }
      }
      break
    }
    case 'i32': {
      // The kernel's (unsigned) −1 for "unbound" comes out as −1 too.
      if (size === 4) {
        return (at, slot) => {
          const value = window.view.getInt32(at + offset, little)
          ;(column.data as Int32Array)[slot] = value
          return value !== ABSENT.i32
        }
      }
      break
    }
    case 'u64': {
      if (size === 8) {
        const [lowAt, highAt] = little ? [offset, offset + 4] : [offset + 4, offset]
        return (at, slot) => {
          const { view } = window
          column.setHalves(slot, view.getUint32(at + highAt, little), view.getUint32(at + lowAt, little))
          return true
        }
      }
      break
    }
    case 'f64': {
      if (size === 8) {
        const [lowAt, highAt] = little ? [offset, offset + 4] : [offset + 4, offset]
        return (at, slot) => {
          const value = window.view.getInt32(at + highAt, little) * 2 ** 32 + window.view.getUint32(at + lowAt, little)
          ;(column.data as Float64Array)[slot] = value
          return Number.isSafeInteger(value)
        }
      }
      break
    }
    case 'flag': {
      const value = integerOf(field, context)
      return (at, slot) => {
        ;(column.data as Uint8Array)[slot] = value(at) === 0n ? 0 : 1
        return true
      }
    }
    case 'text': {
      const print = printerOf(field, context)
      if (field.place === 'inline' && !field.array && size === 8) {
        const number = numberByAddress(field, context, (at) => strings.add(turn(print(at, 0))))
        return (at, slot) => {
          ;(column.data as Uint32Array)[slot] = number(at)
          return true
        }
      }
      if (field.place === 'data_loc' && isString(field) && size === 4) {
        const known = new KnownStrings((text) => strings.add(turn(text)))
        return (at, slot, length) => {
          const location = window.view.getUint32(at + offset, little)
          const start = location & 0xffff
          const end = start + (location >>> 16)
          ;(column.data as Uint32Array)[slot] =
            end > length ? strings.add(turn('?')) : known.number(window.bytes, at + start, at + end)
          return true
        }
      }
      return (at, slot, length) => {
        ;(column.data as Uint32Array)[slot] = strings.add(turn(print(at, length)))
        return true
      }
    }
    case 'u16':
      break
  }
  const value = integerOf(column.type === 'u64' ? { ...field, signed: false } : field, context)
  const absent = BigInt(ABSENT[column.type])
  const low = column.type === 'i32' ? -0x7fff_ffffn : column.type === 'f64' ? absent + 1n : 0n
  const high = column.type === 'i32' ? 0x7fff_ffffn : column.type === 'f64' ? -absent - 1n : absent - 1n
  return (at, slot) => {
    const read = value(at)
    if (read < low || read > high) return false
    ;(column.data as unknown as (number | bigint)[])[slot] = column.type === 'u64' ? read : Number(read)
    return true
  }
}

/** What an address stands for, worked out once for each: known by its low half, since kernel addresses share the high one. */
function numberByAddress(
  { offset }: RecordField,
  { window, little }: DecoderContext,
  make: (at: number) => number,
): (at: number) => number {
  const known = new Map<number, { readonly high: number; readonly number: number }>()
  const [lowAt, highAt] = little ? [offset, offset + 4] : [offset + 4, offset]
  return (at) => {
    const low = window.view.getUint32(at + lowAt, little)
    const high = window.view.getUint32(at + highAt, little)
    const entry = known.get(low)
    if (entry !== undefined && entry.high === high) return entry.number
    const number = make(at)
    known.set(low, { high, number })
    return number
  }
}

/** Reads a field of any size as its type says. */
function integerOf({ offset, size, signed }: RecordField, { window, little }: DecoderContext): (at: number) => bigint {
  switch (size) {
    case 1:
      return (at) => BigInt(signed ? window.view.getInt8(at + offset) : window.view.getUint8(at + offset))
    case 2:
      return (at) =>
        BigInt(signed ? window.view.getInt16(at + offset, little) : window.view.getUint16(at + offset, little))
    case 4:
      return (at) =>
        BigInt(signed ? window.view.getInt32(at + offset, little) : window.view.getUint32(at + offset, little))
    case 8:
      return (at) =>
        signed ? window.view.getBigInt64(at + offset, little) : window.view.getBigUint64(at + offset, little)
    default:
      return () => 0n
  }
}

const isString = ({ type, array }: RecordField): boolean => array && /^(const )?(unsigned |signed )?char\b/.test(type)
/** Addresses of code: printed as symbols. */
const CODE = /^(func|function|call_site|caller|ip|parent_ip|callback)$/

/** Prints a field: strings as they are, pointers as `0x…`, code by its symbol, the rest in decimal. */
function printerOf(field: RecordField, context: DecoderContext): (at: number, length: number) => string {
  const { window, little, symbols, printk } = context
  const { name, type, offset, size, place } = field
  if (place !== 'inline' && size === 4) {
    const text = isString(field)
    return (at, length) => {
      const location = window.view.getUint32(at + offset, little)
      const start = (location & 0xffff) + (place === 'rel_loc' ? offset + size : 0)
      const end = start + (location >>> 16)
      if (end > length) return '?'
      const bytes = window.bytes.subarray(at + start, at + end)
      return text ? cString(bytes) : hexOf(bytes)
    }
  }
  if (field.array || ![1, 2, 4, 8].includes(size)) {
    const text = isString(field)
    return (at) => {
      const bytes = window.bytes.subarray(at + offset, at + offset + size)
      return text ? cString(bytes) : hexOf(bytes)
    }
  }
  const value = integerOf({ ...field, signed: field.signed && !type.includes('*') }, context)
  if (CODE.test(name)) return (at) => symbols.name(value(at))
  if (/\bchar\s*\*/.test(type)) {
    return (at) => {
      const address = value(at)
      return printk().get(address) ?? `0x${address.toString(16)}`
    }
  }
  // Kprobe arguments are `u64` and mostly pointers; the kernel prints them in hex.
  if (type.includes('*') || type === 'u64' || name === '__probe_ip') return (at) => `0x${value(at).toString(16)}`
  return (at) => String(value(at))
}

const hexOf = (bytes: Uint8Array): string => `0x${Buffer.from(bytes).toString('hex')}`

/** Events of no kind of ours: name and fields as text, `qlen=16 blimit=10`; values with spaces in quotes. */
function otherRow(format: EventFormat, context: DecoderContext): Decoder['row'] {
  const { strings } = context
  const table = context.tables.other
  const name = strings.add(format.name)
  const printers = format.fields
    .filter((field) => !field.name.startsWith('common_'))
    .map((field) => ({ label: field.name, print: printerOf(field, context) }))
  return (at, length) => {
    let text = ''
    for (const { label, print } of printers) {
      const value = print(at, length)
      text += `${text === '' ? '' : ' '}${label}=${/[\s"]/.test(value) ? JSON.stringify(value) : value}`
    }
    const slot = table.push()
    ;(table.column.name.data as Uint32Array)[slot] = name
    ;(table.column.fields.data as Uint32Array)[slot] = strings.add(text)
    return slot
  }
}
