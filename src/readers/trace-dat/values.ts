import { cString } from './bytes.ts'
import type { DecoderContext, Window } from './decoder-types.ts'
import type { RecordField } from './layout.ts'

/** What an address stands for, worked out once for each: known by its low half, since kernel addresses share the high one. */
export function numberByAddress(
  { offset }: RecordField,
  { little }: DecoderContext,
  make: (window: Window, at: number) => number,
): (window: Window, at: number) => number {
  const known = new Map<number, { readonly high: number; readonly number: number }>()
  const [lowAt, highAt] = little ? [offset, offset + 4] : [offset + 4, offset]
  return (window, at) => {
    const low = window.view.getUint32(at + lowAt, little)
    const high = window.view.getUint32(at + highAt, little)
    const entry = known.get(low)
    if (entry !== undefined && entry.high === high) return entry.number
    const number = make(window, at)
    known.set(low, { high, number })
    return number
  }
}

/** Reads a field of any size as its type says. */
export function integerOf(
  { offset, size, signed }: RecordField,
  { little }: DecoderContext,
): (window: Window, at: number) => bigint {
  switch (size) {
    case 1:
      return (window, at) => BigInt(signed ? window.view.getInt8(at + offset) : window.view.getUint8(at + offset))
    case 2:
      return (window, at) =>
        BigInt(signed ? window.view.getInt16(at + offset, little) : window.view.getUint16(at + offset, little))
    case 4:
      return (window, at) =>
        BigInt(signed ? window.view.getInt32(at + offset, little) : window.view.getUint32(at + offset, little))
    case 8:
      return (window, at) =>
        signed ? window.view.getBigInt64(at + offset, little) : window.view.getBigUint64(at + offset, little)
    default:
      return () => 0n
  }
}

export const isString = ({ type, array }: RecordField): boolean =>
  array && /^(const )?(unsigned |signed )?char\b/.test(type)
/** Addresses of code: printed as symbols. */
const CODE = /^(func|function|call_site|caller|ip|parent_ip|callback)$/

/** Prints a field: strings as they are, pointers as `0x…`, code by its symbol, the rest in decimal. */
export function printerOf(
  field: RecordField,
  context: DecoderContext,
): (window: Window, at: number, length: number) => string {
  const { little, symbols, printk } = context
  const { type, offset, size, place } = field
  if (place !== 'inline' && size === 4) {
    const text = isString(field)
    return (window, at, length) => {
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
    return (window, at) => {
      const bytes = window.bytes.subarray(at + offset, at + offset + size)
      return text ? cString(bytes) : hexOf(bytes)
    }
  }
  const value = integerOf({ ...field, signed: field.signed && !type.includes('*') }, context)
  if (isCode(field)) return (window, at) => symbols.name(value(window, at))
  if (isFormat(field)) {
    return (window, at) => {
      const address = value(window, at)
      return printk().get(address) ?? `0x${address.toString(16)}`
    }
  }
  if (isAddress(field)) return (window, at) => `0x${value(window, at).toString(16)}`
  return (window, at) => String(value(window, at))
}

/** An address in the kernel's code, printed as the symbol there. */
export const isCode = ({ name }: RecordField): boolean => CODE.test(name)
/** The address of a text that the kernel has, such as a format of printk(). */
export const isFormat = ({ type }: RecordField): boolean => /\bchar\s*\*/.test(type)

/** Kprobe arguments are `u64` and mostly pointers; the kernel prints them in hex. */
export const isAddress = (field: RecordField): boolean => {
  const { name, type, place, array } = field
  return (
    place === 'inline' &&
    !array &&
    !isCode(field) &&
    !isFormat(field) &&
    (type.includes('*') || type === 'u64' || name === '__probe_ip')
  )
}

const hexOf = (bytes: Uint8Array): string => `0x${Buffer.from(bytes).toString('hex')}`
