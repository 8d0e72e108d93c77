import { blanksIn, bytesBefore } from '../byte-memo.ts'
import { firstBytes } from '../known-bytes.ts'
import { codes, type Field } from './fields.ts'
import { controlFrom } from './lines.ts'
import { flagIn, isNullIn, moduleEndIn, numberIn, Wide } from './numbers.ts'
import { isPlain, type Values } from './values.ts'

const SPACE = 0x20
const MINUS = 0x2d
const ZERO = 0x30
const X = 0x78
const OPEN = 0x28
const OPEN_BRACKET = 0x5b
const N = 0x6e

/** In place of a field: the value of a key that is no field's, that of `page`, and `(…)` by itself. */
export const IGNORED = -1
export const PAGE_VALUE = -2
export const BRACKETS = -3

/** Ways in which a value is read. */
const Way = {
  plain: 0,
  pointer: 1,
  gfp: 2,
  site: 3,
  text: 4,
  flag: 5,
  any: 6,
  toEnd: 7,
  ignored: 8,
  page: 9,
  brackets: 10,
} as const

/** A payload's values in their order: for each its field, where it begins and where it ends. */
export class Tokens {
  readonly #list = new Int32Array(3 * 32)
  length = 0
  /** Whether a payload with the same text between its values is sure to be read the same way. */
  isForm = true

  clear(): void {
    this.length = 0
    this.isForm = true
  }

  add(field: number, from: number, end: number): void {
    const at = this.length * 3
    if (at === this.#list.length) {
      this.isForm = false
      return
    }
    this.#list[at] = field
    this.#list[at + 1] = from
    this.#list[at + 2] = end
    this.length++
  }

  /** Whether they are the form of all that stands up to there. */
  isFormUpTo(to: number): boolean {
    return this.isForm && this.length > 0 && this.end(this.length - 1) === to
  }

  field = (at: number): number => this.#list[at * 3]!
  from = (at: number): number => this.#list[at * 3 + 1]!
  end = (at: number): number => this.#list[at * 3 + 2]!
}

/**
 * The form of a payload once read: what stands between its values, and which value is which field's. A payload of the same form is
 * read without looking for keys: what must stand between two values is compared four bytes at a time.
 */
export class Form {
  readonly #values: Values
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #found: Uint8Array
  readonly #placed: boolean
  readonly #fields: Uint8Array
  readonly #ways: Uint8Array
  /** What stands before each value, as words; bits beyond its end are masked. */
  readonly #words: Int32Array
  readonly #masks: Int32Array
  /** Words up to the end of what stands before each value, and its bytes. */
  readonly #wordEnds: Uint16Array
  readonly #lengths: Uint16Array
  readonly #wide = new Wide()

  /** `from` to `to`: the payload of which these are the tokens. `placed`: whether its values stand by their places. */
  constructor(values: Values, tokens: Tokens, from: number, placed: boolean) {
    const { bytes } = values.texts
    const count = tokens.length
    this.#values = values
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    this.#placed = placed
    this.#found = new Uint8Array(values.fields.length)
    this.#fields = new Uint8Array(count)
    this.#ways = new Uint8Array(count)
    this.#wordEnds = new Uint16Array(count)
    this.#lengths = new Uint16Array(count)
    const words: number[] = []
    const masks: number[] = []
    let at = from
    for (let token = 0; token < count; token++) {
      const field = tokens.field(token)
      if (field >= 0) {
        this.#fields[token] = field
        this.#found[field] = 1
      }
      this.#ways[token] = wayOf(field, values.fields[field], placed && token === count - 1)
      const begin = tokens.from(token)
      this.#lengths[token] = begin - at
      for (; at < begin; at += 4) {
        const mask = firstBytes(begin - at)
        words.push(this.#view.getInt32(at, true) & mask)
        masks.push(mask)
      }
      this.#wordEnds[token] = words.length
      at = tokens.end(token)
    }
    this.#words = Int32Array.from(words)
    this.#masks = Int32Array.from(masks)
  }

  /**
   * Where a payload of this form ends, of which the values are ones that their fields may have; −1 if there is none. A value that
   * runs to the payload's end runs to that of the line.
   */
  read(from: number): number {
    const view = this.#view
    const words = this.#words
    const masks = this.#masks
    this.#values.begin(this.#found)
    let at = from
    let word = 0
    for (let token = 0; token < this.#ways.length; token++) {
      const wordEnd = this.#wordEnds[token]!
      for (let place = at; word < wordEnd; word++, place += 4)
        if ((view.getInt32(place, true) & masks[word]!) !== words[word]) return -1
      at = this.#readValue(token, at + this.#lengths[token]!)
      if (at < 0) return -1
    }
    return at
  }

  /** Where the value ends; −1 if it is none. */
  #readValue(token: number, from: number): number {
    const field = this.#fields[token]!
    switch (this.#ways[token]) {
      case Way.plain:
        return this.#readPlain(field, from)
      case Way.pointer:
        return this.#readPointer(field, from)
      case Way.gfp:
        return this.#readGfp(field, from)
      case Way.site:
        return this.#readSite(field, from)
      case Way.text:
        return this.#readText(field, from)
      case Way.flag: {
        const end = this.#blankFrom(from)
        const value = flagIn(this.#bytes, from, end)
        this.#values.lows[field] = value
        return value <= 1 ? end : -1
      }
      case Way.toEnd: {
        const end = controlFrom(this.#bytes, from)
        return this.#bytes[end - 1] !== SPACE && this.#values.read(field, from, end, this.#placed) ? end : -1
      }
      case Way.ignored:
        return this.#blankFrom(from)
      case Way.page: {
        const end = this.#blankFrom(from)
        return isNullIn(this.#bytes, from, end) ? -1 : end
      }
      case Way.brackets:
        return this.#bytes[from] === OPEN && this.#bytes[from + 1] !== N ? this.#blankFrom(from) : -1
      default: {
        const end = this.#blankFrom(from)
        return this.#values.read(field, from, end, this.#placed) ? end : -1
      }
    }
  }

  #readPlain(field: number, from: number): number {
    const bytes = this.#bytes
    const isNegative = bytes[from] === MINUS
    const start = isNegative ? from + 1 : from
    let at = start
    let value = 0
    for (let digit = bytes[at]! - ZERO; digit >= 0 && digit <= 9; digit = bytes[++at]! - ZERO)
      value = value * 10 + digit
    if (at === start || bytes[at]! > SPACE) {
      at = this.#blankFrom(at)
      value = numberIn(bytes, from, at)
    } else if (isNegative) value = -value
    return this.#values.keep(field, value) ? at : -1
  }

  #readPointer(field: number, from: number): number {
    const bytes = this.#bytes
    const values = this.#values
    const start = bytes[from] === ZERO && bytes[from + 1] === X ? from + 2 : from
    if (bytes[start + 16]! <= SPACE && this.#wide.readDigits(this.#view, start)) {
      const { high, low } = this.#wide
      values.highs[field] = high
      values.lows[field] = low
      return high === 0xffffffff && low === 0xffffffff ? -1 : start + 16
    }
    const end = this.#blankFrom(start)
    return values.read(field, from, end, this.#placed) ? end : -1
  }

  #readGfp(field: number, from: number): number {
    const values = this.#values
    const { gfp } = values.texts
    const { bits, unknown, assumed } = gfp.upToBlank(from)
    values.unknownGfp = unknown
    values.assumedGfp = assumed
    values.lows[field] = bits
    return gfp.end > from && bits <= values.fields[field]!.high ? gfp.end : -1
  }

  /** A symbol, and in brackets the module that it is of. */
  #readSite(field: number, from: number): number {
    const bytes = this.#bytes
    const values = this.#values
    const { site } = values.texts
    values.lows[field] = site.upToBlank(from)
    if (bytes[site.end] !== SPACE || bytes[site.end + 1] !== OPEN_BRACKET) return site.end > from ? site.end : -1
    const end = moduleEndIn(bytes, site.end, bytes.length)
    values.lows[field] = site.get(from, end)
    return end
  }

  #readText(field: number, from: number): number {
    const text = this.#values.memoOf(field)
    this.#values.lows[field] = text.upToBlank(from)
    if (text.end === from) return -1
    return this.#placed && this.#bytes[text.end + 1] === OPEN_BRACKET ? -1 : text.end
  }

  #blankFrom(from: number): number {
    for (let at = from; ; at += 4) {
      const blanks = blanksIn(this.#view.getInt32(at, true))
      if (blanks !== 0) return at + bytesBefore(blanks)
    }
  }
}

function wayOf(number: number, field: Field | undefined, isLastPlaced: boolean): number {
  if (number === IGNORED) return Way.ignored
  if (number === PAGE_VALUE) return Way.page
  if (field === undefined) return Way.brackets
  if (isLastPlaced || field.rest) return Way.toEnd
  if (isPlain(field)) return Way.plain
  switch (codes[field.type]) {
    case codes.pointer:
      return Way.pointer
    case codes.gfp:
      return Way.gfp
    case codes.site:
      return Way.site
    case codes.text:
      return Way.text
    case codes.flag:
      return Way.flag
    default:
      return Way.any
  }
}
