import { dyntickOfWatching, recordedFields } from '#events'
import type { AnyColumn } from '#events/columns'
import { metaOf } from '#events/exchange'
import type { Symbols } from './symbols.ts'

/** The page in which records are being written. */
export interface Target {
  readonly view: DataView
  readonly bytes: Uint8Array
  /** Start of the record. */
  start: number
  /** Where the record's next text goes: behind its fields and the texts so far. */
  tail: number
}

/** One field of a record: how the kernel declares and prints it, and how it is filled. */
export interface Part {
  /** The field that schemas and print formats know it by. */
  readonly column: string
  readonly type: string
  /** The kernel's name. */
  readonly key: string
  /** Place in an array of that name. */
  readonly index?: number
  readonly size: number
  readonly verb: string
  put(target: Target, at: number, slot: number): void
  /** Of a text: its bytes without the NUL. */
  text?(slot: number): Uint8Array
}

export interface Strings {
  readonly symbols: Symbols
  get(number: number): string
  bytes(number: number): Uint8Array
}

/** Fields that hold a place in code. */
export const isCode = (column: string): boolean => /^(callSite|func|function)$/.test(column)

/** The C type, its size, and how it is printed. */
function typeOf({ name, type, schema }: AnyColumn): readonly [type: string, size: number, verb: string] {
  const { unit } = metaOf(schema)
  if (isCode(name)) return name === 'callSite' ? ['unsigned long', 8, '%pS'] : ['void *', 8, '%ps']
  switch (type) {
    case 'text':
      return [TEXT, 4, '%s']
    case 'flag':
      return ['bool', 1, '%d']
    case 'i32':
      return ['int', 4, '%d']
    case 'f64':
      return ['long', 8, '%ld']
    case 'u64':
      return unit === 'address' ? ['void *', 8, '%p'] : ['unsigned long', 8, '%lx']
    case 'u32':
      if (unit === 'bytes') return ['size_t', 8, '%zu']
      return unit === 'page frame' || unit === 'gfp bits' ? ['unsigned long', 8, '0x%lx'] : ['unsigned int', 4, '%u']
    default:
      return ['unsigned int', 4, '%u']
  }
}

const TEXT = '__data_loc char[]'

/** The field of a column; `recordedAs` is the name of the event it is for. */
export function partOf(column: AnyColumn, recordedAs: string, strings: Strings): Part {
  const [type, size, verb] = typeOf(column)
  const { names, index } = recordedFields(column.name)
  const base = { column: column.name, type, key: names[0]!, size, verb, ...(index === undefined ? {} : { index }) }
  if (column.type !== 'text' || type !== TEXT) return { ...base, put: putOf(column, size, strings) }
  const { data } = column
  if (recordedAs !== 'rcu_dyntick' || column.name !== 'polarity')
    return { ...base, ...putText((slot) => strings.bytes(data[slot]!)) }
  return { ...base, ...putText((slot) => Buffer.from(dyntickOfWatching(strings.get(data[slot]!)))) }
}

/** A text that stands in the record. */
export const textPart = (key: string, text: (slot: number) => Uint8Array): Part => ({
  column: key,
  type: TEXT,
  key,
  size: 4,
  verb: '%s',
  ...putText(text),
})

/** What an allocation did not get: no page is page frame −1, no object the address 0. */
export function nothingOf(column: AnyColumn): Part {
  const [type, size, verb] = typeOf(column)
  const value = column.name === 'pfn' ? -1n : 0n
  return {
    column: column.name,
    type,
    key: recordedFields(column.name).names[0]!,
    size,
    verb,
    put: ({ view }, at) => view.setBigInt64(at, value, true),
  }
}

function putOf(column: AnyColumn, size: number, { symbols, get }: Strings): Part['put'] {
  if (column.type === 'u64') {
    const { data } = column
    return ({ view }, at, slot) => view.setBigUint64(at, data[slot]!, true)
  }
  const { data } = column
  if (isCode(column.name)) {
    const addresses: bigint[] = []
    return ({ view }, at, slot) => {
      const string = data[slot]!
      addresses[string] ??= symbols.addressOf(get(string))
      view.setBigUint64(at, addresses[string], true)
    }
  }
  if (size === 1) return ({ view }, at, slot) => view.setUint8(at, data[slot]!)
  if (size === 4) return ({ view }, at, slot) => view.setInt32(at, data[slot]!, true)
  return ({ view }, at, slot) => {
    const value = data[slot]!
    const high = Math.floor(value / 2 ** 32)
    view.setUint32(at, value - high * 2 ** 32, true)
    view.setInt32(at + 4, high, true)
  }
}

const putText = (text: (slot: number) => Uint8Array): Pick<Part, 'put' | 'text'> => ({
  text,
  put: (target, at, slot) => {
    const bytes = text(slot)
    target.view.setUint32(at, ((bytes.length + 1) << 16) | (target.tail - target.start), true)
    target.bytes.set(bytes, target.tail)
    target.tail += bytes.length + 1
  },
})
