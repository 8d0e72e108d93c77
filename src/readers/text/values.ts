import type { ByteMemo } from '../byte-memo.ts'
import { codes, type Field, SIGNED } from './fields.ts'
import { flagIn, longIn, numberIn, Wide } from './numbers.ts'
import type { Texts } from './texts.ts'

const ZERO = 0x30
const SPACE = 0x20
const OPEN = 0x28
const UNDERSCORE = 0x5f

/** All ones of a 64-bit and of a 32-bit pfn: how raw fields say that there is no page. */
const isNoPfn = (value: number): boolean => value === 0xffffffff || value >= 2 ** 64 - 1024

/** What one payload says: the values of a kind's fields as numbers, each in the place of its column. */
export class Values {
  readonly fields: readonly Field[]
  readonly codes: Uint8Array
  readonly texts: Texts
  /** Of 64-bit fields the low halves. */
  readonly lows: Float64Array
  readonly highs: Float64Array
  /** 1 for each field that has a value. */
  found: Uint8Array
  /** Names in the gfp flags which no table knows. */
  unknownGfp = 0
  /** Whether there is the key of gfp flags, and nothing behind it. */
  lacksGfp = false
  /** Whether the gfp bits hang on a release that is not known. */
  assumedGfp = false
  /** Whether the page is a null pointer: that tells a failed allocation from page frame 0. */
  noPage = false
  /** Where the last plain number ended. */
  at = 0
  readonly #bytes: Uint8Array
  readonly #wide = new Wide()
  readonly #turns: boolean
  /** Field whose value may be all ones, for no page; −1 for none. */
  readonly #pfn: number

  /** `turns`: whether the first field is an `rcu_dyntick`'s, of which Start and End were swapped. `pfn`: which field is an allocation's result. */
  constructor(fields: readonly Field[], texts: Texts, turns: boolean, pfn: number) {
    this.fields = fields
    this.texts = texts
    this.codes = Uint8Array.from(fields, ({ type }) => codes[type])
    this.lows = new Float64Array(fields.length)
    this.highs = new Float64Array(fields.length)
    this.found = new Uint8Array(fields.length)
    this.#bytes = texts.bytes
    this.#turns = turns
    this.#pfn = pfn
  }

  /** Begins a payload in which these fields will have values. */
  begin(found: Uint8Array): void {
    this.found = found
    this.noPage = false
    this.unknownGfp = 0
    this.lacksGfp = false
    this.assumedGfp = false
  }

  /** A whole number up to the next space, in one go; leaves `at` behind it. */
  readPlain(index: number, from: number, to: number): boolean {
    const bytes = this.#bytes
    let at = from
    let value = 0
    let digit = bytes[at]! - ZERO
    while (at < to && digit >= 0 && digit <= 9) {
      value = value * 10 + digit
      digit = bytes[++at]! - ZERO
    }
    if (at < to && bytes[at] !== SPACE) {
      // A sign, `0x`, or no number
      while (at < to && bytes[at] !== SPACE) at++
      value = numberIn(bytes, from, at)
    } else if (at === from) value = Number.NaN
    this.at = at
    return this.keep(index, value)
  }

  /** Whether the number is one that the field may have. */
  keep(index: number, number: number): boolean {
    const field = this.fields[index]!
    // The kernel prints -1 of a %u as 4294967295.
    const isWrapped = this.codes[index] === SIGNED && number > 0x7fffffff && number <= 0xffffffff
    const value = isWrapped ? number - 2 ** 32 : number
    this.lows[index] = value
    return (value >= field.low && value <= field.high) || (index === this.#pfn && isNoPfn(value))
  }

  /** Whether the stretch is a value that the field may have. `placed`: whether it stands by its place, not behind a key. */
  read(index: number, from: number, end: number, placed: boolean): boolean {
    const bytes = this.#bytes
    const field = this.fields[index]!
    if (end <= from) {
      if (field.type === 'gfp') this.lacksGfp = true
      return false
    }
    switch (field.type) {
      case 'gfp': {
        const { bits, unknown, assumed } = this.texts.gfp.get(from, end)
        this.unknownGfp = unknown
        this.assumedGfp = assumed
        this.lows[index] = bits
        return bits <= field.high
      }
      case 'text':
        this.lows[index] = this.memoOf(index).get(from, end)
        return true
      case 'site':
        this.lows[index] = this.texts.site.get(from, end)
        return true
      case 'pointer':
      case 'bits':
        return this.#readWide(index, from, end, placed || field.type === 'pointer')
      case 'flag':
        this.lows[index] = flagIn(bytes, from, end)
        return this.lows[index]! <= 1
      default:
        return this.keep(index, this.#readNumber(field, from, end))
    }
  }

  /** Numbers of a field's texts. */
  memoOf(index: number): ByteMemo<number> {
    return this.#turns && index === 0 ? this.texts.turned : this.texts.text
  }

  #readNumber({ type, name }: Field, from: number, end: number): number {
    const bytes = this.#bytes
    if (type === 'f64') return longIn(bytes, from, end, this.#wide)
    if (type === 'size') {
      // `size=40960B`, and with the option `fields` `size=0xa000`
      const hasUnit = bytes[end - 1] === 0x42 && bytes[from + 1] !== 0x78
      return longIn(bytes, from, hasUnit ? end - 1 : end, this.#wide)
    }
    return name === 'member' && bytes[from] === 0x4d ? this.texts.member.get(from, end) : numberIn(bytes, from, end)
  }

  #readWide(index: number, from: number, end: number, hex: boolean): boolean {
    // `(____ptrval____)`: hidden, since the kernel had no key for hashes yet
    if (this.#bytes[from] === OPEN && this.#bytes[from + 1] === UNDERSCORE) return false
    const wide = this.#wide
    if (!(hex ? wide.readHex(this.#bytes, from, end) : wide.read(this.#bytes, from, end))) return false
    this.highs[index] = wide.high
    this.lows[index] = wide.low
    return wide.high !== 0xffffffff || wide.low !== 0xffffffff
  }

  /** Whether an allocation's result, in that field, is nothing. */
  isNothing(result: number): boolean {
    const value = this.lows[result]!
    if (result === this.#pfn) return isNoPfn(value) || (this.noPage && value === 0)
    return this.found[result] === 1 && value === 0 && this.highs[result] === 0
  }
}

/** Whether a field's value is nothing but digits up to a space. */
export const isPlain = ({ type, name }: Field): boolean => codes[type] <= SIGNED && name !== 'member'
