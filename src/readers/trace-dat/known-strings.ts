import { cString } from './bytes.ts'

/** Beyond this many different strings nothing more is remembered. */
const MOST = 1 << 14

/** Numbers of strings that stand in records again and again: of one seen before, none is made. */
export class KnownStrings {
  readonly #make: (text: string) => number
  readonly #known = new Map<number, { readonly bytes: Uint8Array; readonly number: number }>()

  constructor(make: (text: string) => number) {
    this.#make = make
  }

  /** Of the string from `from` to its NUL, or to `to`. */
  number(bytes: Uint8Array, from: number, to: number): number {
    let hash = 0
    let end = from
    for (; end < to && bytes[end] !== 0; end++) hash = (Math.imul(hash, 31) + bytes[end]!) | 0
    const entry = this.#known.get(hash)
    if (entry !== undefined && isSame(entry.bytes, bytes, from, end)) return entry.number
    const number = this.#make(cString(bytes.subarray(from, end)))
    if (entry === undefined && this.#known.size < MOST)
      this.#known.set(hash, { bytes: Uint8Array.from(bytes.subarray(from, end)), number })
    return number
  }
}

function isSame(known: Uint8Array, bytes: Uint8Array, from: number, to: number): boolean {
  if (known.length !== to - from) return false
  for (let at = 0; at < known.length; at++) if (known[at] !== bytes[from + at]) return false
  return true
}
