import {
  ABSENT,
  type Column,
  type ColumnType,
  type EventBuilder,
  failedKinds,
  Kind,
  type KindName,
  type Probes,
  recordedName,
} from '#events'
import { codes, type Field, POINTER, SIGNED, textFields } from './fields.ts'
import { flagIn, isNullIn, longIn, moduleEndIn, numberIn, paddedNullIn, Wide } from './numbers.ts'
import { IDLE, type Step, stepsOf } from './templates.ts'
import type { Texts } from './texts.ts'

export { Texts } from './texts.ts'

const SPACE = 0x20
const ZERO = 0x30
const EQUALS = 0x3d
const COLON = 0x3a
const OPEN = 0x28
const OPEN_BRACKET = 0x5b
const DOT = 0x2e
const UNDERSCORE = 0x5f

/** All ones of a 64-bit and of a 32-bit pfn: how raw fields say that there is no page. */
const isNoPfn = (value: number): boolean => value === 0xffffffff || value >= 2 ** 64 - 1024

/** `page=…`, with which page events begin: it says only whether there is a page. */
const PAGE = new TextEncoder().encode('page')

/** Where a row of another kind takes its columns from, for allocations that failed. */
interface Failed {
  readonly kind: KindName
  readonly result: number
  readonly from: readonly number[]
}

/** Text always has the key of gfp flags, if nothing behind it: without it a line is cut. */
const isNeeded = ({ optional, type }: Field): boolean => !optional || type === 'gfp'

/** Reads the payload of one kind out of bytes, straight into numbers; `store` writes them as a row. */
export class PayloadReader {
  readonly kind: KindName
  readonly #fields: readonly Field[]
  readonly #codes: Uint8Array
  /** Whether a field's value is nothing but digits up to a space. */
  readonly #isPlain: Uint8Array
  /** The key that each field has as a rule. */
  readonly #keys: readonly Uint8Array[]
  readonly #steps: readonly Step[] | undefined
  readonly #texts: Texts
  readonly #bytes: Uint8Array
  readonly #isNeeded: Uint8Array
  readonly #required: number
  readonly #failed: Failed | undefined
  /** Column `recordedAs` and what stands in it. */
  readonly #alias: { readonly index: number; readonly number: number } | undefined
  /** Of 64-bit fields the low halves. */
  readonly #values: Float64Array
  readonly #highs: Float64Array
  readonly #found: Uint8Array
  /** Which field stood behind each in the last payload; first, which stood at the begin. */
  readonly #after: Uint8Array
  readonly #wide = new Wide()
  readonly #isDyntick: boolean
  #noPage = false
  /** Names in the last payload's gfp flags which no table knows. */
  unknownGfp = 0
  /** Whether the last payload has the key of its gfp flags, and nothing behind it. */
  lacksGfp = false
  /** Whether the last payload's gfp bits hang on a release that is not known. */
  assumedGfp = false
  /** Where the last value ended. */
  #at = 0

  constructor(kind: KindName, texts: Texts, recorded: string, probes: Probes) {
    this.kind = kind
    this.#texts = texts
    this.#bytes = texts.bytes
    this.#fields = textFields(kind, recorded, probes)
    this.#codes = Uint8Array.from(this.#fields, ({ type }) => codes[type])
    this.#isPlain = Uint8Array.from(this.#fields, ({ type, name }) =>
      Number(codes[type] <= SIGNED && name !== 'member'),
    )
    this.#keys = this.#fields.map(({ keys }) => keys[0]!)
    this.#steps = stepsOf(kind, this.#fields)
    this.#values = new Float64Array(this.#fields.length)
    this.#highs = new Float64Array(this.#fields.length)
    this.#found = new Uint8Array(this.#fields.length)
    this.#after = Uint8Array.from(this.#fields, (_, field) => field)
    this.#isNeeded = Uint8Array.from(this.#fields, (field) => Number(isNeeded(field)))
    this.#required = this.#fields.filter(isNeeded).length
    this.#isDyntick = recorded === 'rcu_dyntick'
    const alias = this.#indexOf('recordedAs')
    if (alias >= 0 && recorded !== recordedName(kind))
      this.#alias = { index: alias, number: texts.builder.strings.add(recorded) }
    const failed = (failedKinds as Partial<Record<KindName, KindName>>)[kind]
    if (failed !== undefined) {
      const from = textFields(failed, recorded, probes).map(({ name }) => this.#indexOf(name))
      this.#failed = { kind: failed, result: this.#indexOf(kind === 'mm_page_alloc' ? 'pfn' : 'ptr'), from }
    }
  }

  /** Whether the bytes hold every field that the kind needs, each within its bounds. */
  read(from: number, to: number): boolean {
    this.#found.fill(0)
    this.#noPage = false
    this.unknownGfp = 0
    this.lacksGfp = false
    this.assumedGfp = false
    if (this.#steps === undefined) return this.#readKeyed(from, to)
    // `trace-cmd report -R` and the option `fields` print keys where the usual text has none.
    return this.#keyStands(this.#fields[0]!.keys[0]!, from, EQUALS)
      ? this.#readKeyed(from, to)
      : this.#readPlaced(this.#steps, from, to)
  }

  #readKeyed(from: number, to: number): boolean {
    const bytes = this.#bytes
    const keys = this.#keys
    const found = this.#found
    const after = this.#after
    let last = 0
    let required = 0
    let at = this.#keyStands(PAGE, from, EQUALS) ? this.#skipUnknown(from, from + PAGE.length, to) : from
    while (at < to) {
      if (bytes[at] === SPACE) {
        at++
        continue
      }
      // `(f+0x47)` of trace-cmd, `(3264)` of the option `fields`, `(null)` of a padded page
      if (bytes[at] === OPEN) {
        const start = at
        while (at < to && bytes[at] !== SPACE) at++
        if (isNullIn(bytes, start, at)) this.#noPage = true
        continue
      }
      // A kernel prints the fields in one order, so the one of the last payload is tried first.
      let field = last < after.length ? after[last]! : 0
      if (found[field] === 0 && this.#keyStands(keys[field]!, at, EQUALS)) {
        at += keys[field]!.length + 1
      } else {
        let end = at
        while (end < to && bytes[end] !== SPACE && bytes[end] !== EQUALS) end++
        const isBare = end >= to || bytes[end] !== EQUALS
        field = this.#fieldNamed(at, end - at, isBare)
        if (field < 0) {
          at = isBare ? end : this.#skipUnknown(at, end, to)
          continue
        }
        at = end + 1
        if (last < after.length) after[last] = field
      }
      const lackedGfp = this.lacksGfp
      if (this.#isPlain[field] === 1 ? this.#readPlain(field, at, to) : this.#readKey(field, at, to)) {
        if (found[field] === 0 && this.#isNeeded[field] === 1) required++
        found[field] = 1
      } else if (this.lacksGfp !== lackedGfp) required++
      at = this.#at
      last = field + 1
    }
    return required === this.#required
  }

  #readKey(field: number, from: number, to: number): boolean {
    const isPadded = this.#bytes[from] === SPACE && this.#codes[field] === POINTER
    const at = isPadded ? paddedNullIn(this.#bytes, from, to) : from
    return this.#readValue(field, at, this.#valueEnd(field, at, to), false)
  }

  /** A whole number up to the next space, in one go; leaves `#at` behind it. */
  #readPlain(index: number, from: number, to: number): boolean {
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
    this.#at = at
    return this.#keepNumber(index, value)
  }

  #keepNumber(index: number, number: number): boolean {
    const field = this.#fields[index]!
    // The kernel prints -1 of a %u as 4294967295.
    const isWrapped = this.#codes[index] === SIGNED && number > 0x7fffffff && number <= 0xffffffff
    const value = isWrapped ? number - 2 ** 32 : number
    this.#values[index] = value
    return (
      (value >= field.low && value <= field.high) || (index === 0 && this.kind === 'mm_page_alloc' && isNoPfn(value))
    )
  }

  #readPlaced(steps: readonly Step[], from: number, to: number): boolean {
    const bytes = this.#bytes
    let last = to
    while (last > from && bytes[last - 1]! <= SPACE) last--
    let at = from
    for (let index = 0; index < steps.length; index++) {
      const { field, until } = steps[index]!
      let end = last
      if (until.length > 0) {
        end = at
        while (end < last && !this.#stands(until, end, last)) end++
        if (end >= last) return false
        // `func=f [module] 3`
        if (bytes[end] === SPACE && bytes[end + 1] === OPEN_BRACKET) end = moduleEndIn(bytes, end, last)
        if (!this.#stands(until, end, last)) return false
      }
      if (field === IDLE) this.#readIdle(at, end)
      else if (this.#readValue(field, at, end, true)) this.#found[field] = 1
      else if (!this.#fields[field]!.optional) return false
      at = end + until.length
    }
    return true
  }

  /** `C.I.`: callbacks pending, reschedule due, idle, offloaded; trace-cmd prints `>c<>c<>c<>c<`. */
  #readIdle(from: number, to: number): void {
    if (to - from !== 4) return
    const first = this.#indexOf('cb')
    for (let flag = 0; flag < 4; flag++) {
      this.#values[first + flag] = this.#bytes[from + flag] === DOT ? 0 : 1
      this.#found[first + flag] = 1
    }
  }

  /** Writes what `read` found as an event; an allocation that gave nothing is a kind of its own. */
  store(builder: EventBuilder, time: number, cpu: number, pid: number, comm: number, context: number): void {
    const values = this.#values
    const found = this.#found
    if (this.#alias !== undefined) {
      values[this.#alias.index] = this.#alias.number
      found[this.#alias.index] = 1
    }
    const failed = this.#failed
    const isFailed = failed !== undefined && this.#gaveNothing(failed.result)
    const kind = isFailed ? failed.kind : this.kind
    const table = builder.tables[kind]
    const slot = table.push()
    const { list } = table
    for (let i = 0; i < list.length; i++) {
      const from = isFailed ? failed.from[i]! : i
      const column = list[i]!
      if (found[from] === 1) write(column, slot, this.#highs[from]!, values[from]!)
      else write(column, slot, 0xffffffff, absentLow[column.type])
    }
    builder.add(time, cpu, pid, comm, context, Kind[kind], slot)
  }

  #gaveNothing(result: number): boolean {
    const value = this.#values[result]!
    if (this.kind === 'mm_page_alloc') return isNoPfn(value) || (this.#noPage && value === 0)
    return this.#found[result] === 1 && value === 0 && this.#highs[result] === 0
  }

  #indexOf(name: string): number {
    return this.#fields.findIndex((field) => field.name === name)
  }

  #keyStands(key: Uint8Array, at: number, end: number): boolean {
    const bytes = this.#bytes
    for (let i = 0; i < key.length; i++) if (bytes[at + i] !== key[i]) return false
    return bytes[at + key.length] === end
  }

  #stands(text: Uint8Array, at: number, to: number): boolean {
    if (at + text.length > to) return false
    for (let i = 0; i < text.length; i++) if (this.#bytes[at + i] !== text[i]) return false
    return true
  }

  /** The field of that key; where two have it, the one not found yet. */
  #fieldNamed(at: number, length: number, bare: boolean): number {
    let named = -1
    for (let i = 0; i < this.#fields.length; i++) {
      const field = this.#fields[i]!
      if (bare && !field.bare) continue
      // Without `=`, `work` is only the first half of `work struct`.
      for (let k = 0; k < (bare ? 1 : field.keys.length); k++) {
        const key = field.keys[k]!
        if (key.length !== length || !this.#keyStands(key, at, bare ? SPACE : EQUALS)) continue
        if (this.#found[i] === 0) return i
        named = i
      }
    }
    return named
  }

  /** Skips `key=value`. A null `page` tells a failed allocation from page frame 0. */
  #skipUnknown(at: number, equals: number, to: number): number {
    const bytes = this.#bytes
    let end = equals + 1
    while (end < to && bytes[end] !== SPACE) end++
    // p of page=
    if (bytes[at] === 0x70 && equals - at === 4 && bytes[at + 3] === 0x65 && isNullIn(bytes, equals + 1, end)) {
      this.#noPage = true
    }
    return end
  }

  /** Where the value of a key ends; leaves `#at` there. */
  #valueEnd(index: number, from: number, to: number): number {
    const bytes = this.#bytes
    const { rest, bare, type } = this.#fields[index]!
    let end = from
    if (rest) {
      end = to
      while (end > from && bytes[end - 1]! <= SPACE) end--
    } else {
      while (end < to && bytes[end] !== SPACE) end++
      if (type === 'site' && bytes[end + 1] === OPEN_BRACKET) end = moduleEndIn(bytes, end, to)
    }
    this.#at = end
    return bare && end > from && bytes[end - 1] === COLON ? end - 1 : end
  }

  /** Whether the value is one that the field may have. */
  #readValue(index: number, from: number, end: number, placed: boolean): boolean {
    const bytes = this.#bytes
    const field = this.#fields[index]!
    if (end <= from) {
      if (field.type === 'gfp') this.lacksGfp = true
      return false
    }
    switch (field.type) {
      case 'gfp': {
        const { bits, unknown, assumed } = this.#texts.gfp.get(from, end)
        this.unknownGfp = unknown
        this.assumedGfp = assumed
        this.#values[index] = bits
        return bits <= field.high
      }
      case 'text':
        this.#values[index] =
          this.#isDyntick && index === 0 ? this.#texts.turned.get(from, end) : this.#texts.text.get(from, end)
        return true
      case 'site':
        this.#values[index] = this.#texts.site.get(from, end)
        return true
      case 'pointer':
      case 'bits':
        return this.#readWide(index, from, end, placed || field.type === 'pointer')
      case 'flag':
        this.#values[index] = flagIn(bytes, from, end)
        return this.#values[index]! <= 1
      default:
        return this.#keepNumber(index, this.#readNumber(field, from, end))
    }
  }

  #readNumber({ type, name }: Field, from: number, end: number): number {
    const bytes = this.#bytes
    if (type === 'f64') return longIn(bytes, from, end, this.#wide)
    if (type === 'size') {
      // `size=40960B`, and with the option `fields` `size=0xa000`
      const hasUnit = bytes[end - 1] === 0x42 && bytes[from + 1] !== 0x78
      return longIn(bytes, from, hasUnit ? end - 1 : end, this.#wide)
    }
    return name === 'member' && bytes[from] === 0x4d ? this.#texts.member.get(from, end) : numberIn(bytes, from, end)
  }

  #readWide(index: number, from: number, end: number, hex: boolean): boolean {
    // `(____ptrval____)`: hidden, since the kernel had no key for hashes yet
    if (this.#bytes[from] === OPEN && this.#bytes[from + 1] === UNDERSCORE) return false
    const wide = this.#wide
    if (!(hex ? wide.readHex(this.#bytes, from, end) : wide.read(this.#bytes, from, end))) return false
    this.#highs[index] = wide.high
    this.#values[index] = wide.low
    return wide.high !== 0xffffffff || wide.low !== 0xffffffff
  }
}

/** Absent values; of the 64-bit one the low half, its high half is the same. */
const absentLow: Readonly<Record<ColumnType, number>> = { ...ABSENT, u64: Number(ABSENT.u64 & 0xffffffffn) }

/** Each type of array has a line of its own: one line for all would be several times slower. */
function write(column: Column, slot: number, high: number, value: number): void {
  switch (column.type) {
    case 'u32':
    case 'text':
      ;(column.data as Uint32Array)[slot] = value
      break
    case 'u8':
    case 'flag':
      ;(column.data as Uint8Array)[slot] = value
      break
    case 'i32':
      ;(column.data as Int32Array)[slot] = value
      break
    case 'u64':
      column.setHalves(slot, high, value)
      break
    default:
      column.data[slot] = value
  }
}

/** A reader for every recorded name that has a kind. */
export const payloadReaders = (texts: Texts, probes: Probes): ReadonlyMap<string, PayloadReader> =>
  new Map(probes.names.map((name) => [name, new PayloadReader(probes.kindOf(name)!, texts, name, probes)]))
