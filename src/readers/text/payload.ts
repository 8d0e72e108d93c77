import {
  ABSENT,
  type EventBuilder,
  failedKinds,
  Kind,
  type KindName,
  kindOfName,
  knownNames,
  recordedName,
  watchingOfDyntick,
} from '#events'
import { parseGfp, type Release } from '#kernel'
import { ByteMemo } from './byte-memo.ts'
import { type Field, textFields } from './fields.ts'
import { isNullIn, longIn, numberIn, Wide } from './numbers.ts'
import { IDLE, type Step, stepsOf } from './templates.ts'

const SPACE = 0x20
const EQUALS = 0x3d
const COLON = 0x3a
const OPEN = 0x28
const CLOSE = 0x29
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
const DOT = 0x2e
const UNDERSCORE = 0x5f

/** All ones of a 64-bit and of a 32-bit pfn: how raw fields say that there is no page. */
const isNoPfn = (value: number): boolean => value === 0xffffffff || value >= 2 ** 64 - 1024

/** Bits of a text of gfp flags. */
interface GfpText {
  readonly bits: number
  readonly unknown: number
  /** Whether the bits hang on the release, which is not known. */
  readonly assumed: boolean
}

/** Composite names whose bits have changed between releases. */
const VARYING = /(?:^|\|)(?:GFP_ATOMIC|GFP_NOWAIT)(?:\||$)/
/** Counters of rss_stat by their names. Source: include/linux/mm_types_task.h. */
const members = ['MM_FILEPAGES', 'MM_ANONPAGES', 'MM_SWAPENTS', 'MM_SHMEMPAGES']

/** With the option `fields`, strings print as `(0xff11000000d9e00c:Startirq)`. */
const plainText = (text: string): string => /^\(0x[0-9a-f]+:(.*)\)$/.exec(text)?.[1] ?? text

/** `f+0x1/0x2 [m]` → `f+0x1 [m]`: the function's size is in ftrace's text only. An address stays one. */
function siteText(text: string): string {
  const address = /^(?:0x)?0*([0-9a-f]+)$/i.exec(text)?.[1]
  if (address !== undefined && text.length >= 8) return `0x${address.toLowerCase()}`
  return text.replace(/\/0x[0-9a-f]+(?= |$)/, '')
}

/** Reads texts into the dictionary and gfp names into bits, each different one once. */
export class Texts {
  readonly bytes: Uint8Array
  readonly builder: EventBuilder
  readonly text: ByteMemo<number>
  readonly site: ByteMemo<number>
  readonly turned: ByteMemo<number>
  readonly member: ByteMemo<number>
  readonly gfp: ByteMemo<GfpText>

  constructor(bytes: Uint8Array, builder: EventBuilder, release: Release | undefined) {
    this.bytes = bytes
    this.builder = builder
    const { strings } = builder
    this.text = new ByteMemo(bytes, (text) => strings.add(plainText(text)))
    this.site = new ByteMemo(bytes, (text) => strings.add(siteText(text)))
    this.turned = new ByteMemo(bytes, (text) => strings.add(watchingOfDyntick(plainText(text))))
    this.member = new ByteMemo(bytes, (text) => members.indexOf(text))
    this.gfp = new ByteMemo(bytes, (text) => {
      const { bits, unknown } = parseGfp(text, release?.rules ?? '6.12')
      return { bits, unknown: unknown.length, assumed: release === undefined && VARYING.test(text) }
    })
  }
}

/** Where a row of another kind takes its columns from, for allocations that failed. */
interface Failed {
  readonly kind: KindName
  readonly result: number
  readonly from: readonly number[]
}

/** Reads the payload of one kind out of bytes, straight into numbers; `store` writes them as a row. */
export class PayloadReader {
  readonly kind: KindName
  readonly #fields: readonly Field[]
  readonly #steps: readonly Step[] | undefined
  readonly #texts: Texts
  readonly #bytes: Uint8Array
  readonly #required: number
  readonly #failed: Failed | undefined
  /** Column `recordedAs` and what stands in it. */
  readonly #alias: { readonly index: number; readonly number: number } | undefined
  /** Of 64-bit fields the low halves. */
  readonly #values: Float64Array
  readonly #highs: Float64Array
  readonly #found: Uint8Array
  readonly #wide = new Wide()
  readonly #isDyntick: boolean
  #noPage = false
  /** Names in the last payload's gfp flags which no table knows. */
  unknownGfp = 0
  /** Whether the last payload's gfp bits hang on a release that is not known. */
  assumedGfp = false
  /** Where the last value ended. */
  #at = 0

  constructor(kind: KindName, texts: Texts, recorded: string = kind) {
    this.kind = kind
    this.#texts = texts
    this.#bytes = texts.bytes
    this.#fields = textFields(kind)
    this.#steps = stepsOf(kind, this.#fields)
    this.#values = new Float64Array(this.#fields.length)
    this.#highs = new Float64Array(this.#fields.length)
    this.#found = new Uint8Array(this.#fields.length)
    this.#required = this.#fields.filter(({ optional }) => !optional).length
    this.#isDyntick = recorded === 'rcu_dyntick'
    const alias = this.#indexOf('recordedAs')
    if (alias >= 0 && recorded !== kind) this.#alias = { index: alias, number: texts.builder.strings.add(recorded) }
    const failed = (failedKinds as Partial<Record<KindName, KindName>>)[kind]
    if (failed !== undefined) {
      const from = textFields(failed).map(({ name }) => this.#indexOf(name))
      this.#failed = { kind: failed, result: this.#indexOf(kind === 'mm_page_alloc' ? 'pfn' : 'ptr'), from }
    }
  }

  /** Whether the bytes hold every field that the kind needs, each within its bounds. */
  read(from: number, to: number): boolean {
    this.#found.fill(0)
    this.#noPage = false
    this.unknownGfp = 0
    this.assumedGfp = false
    if (this.#steps === undefined) return this.#readKeyed(from, to)
    // `trace-cmd report -R` and the option `fields` print keys where the usual text has none.
    return this.#keyStands(this.#fields[0]!.keys[0]!, from, EQUALS)
      ? this.#readKeyed(from, to)
      : this.#readPlaced(this.#steps, from, to)
  }

  #readKeyed(from: number, to: number): boolean {
    const bytes = this.#bytes
    const fields = this.#fields
    let next = 0
    let required = 0
    let at = from
    while (at < to) {
      if (bytes[at] === SPACE) {
        at++
        continue
      }
      // Fields come in order as a rule, so the next one is tried first.
      let field = next < fields.length && this.#keyStands(fields[next]!.keys[0]!, at, EQUALS) ? next : -1
      if (field >= 0) {
        at += fields[field]!.keys[0]!.length + 1
      } else {
        let end = at
        while (end < to && bytes[end] !== SPACE && bytes[end] !== EQUALS) end++
        if (end < to && bytes[end] === EQUALS) {
          field = this.#fieldNamed(at, end - at, false)
          if (field < 0) {
            at = this.#skipUnknown(at, end, to)
            continue
          }
          at = end + 1
        } else {
          field = this.#fieldNamed(at, end - at, true)
          if (field < 0) {
            if (bytes[at] === OPEN && isNullIn(bytes, at, end)) this.#noPage = true
            at = end
            continue
          }
          at = end + 1
        }
      }
      if (bytes[at] === SPACE && fields[field]!.type === 'pointer') at = this.#paddedNull(at, to)
      if (this.#readValue(field, at, this.#valueEnd(field, at, to), false)) {
        if (this.#found[field] === 0 && !fields[field]!.optional) required++
        this.#found[field] = 1
      }
      at = this.#at
      next = field + 1
    }
    return required === this.#required
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
        if (bytes[end] === SPACE && bytes[end + 1] === OPEN_BRACKET) end = this.#moduleEnd(end, last)
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
      const { data, type } = column
      if (found[from] !== 1) (data as unknown as (number | bigint)[])[slot] = ABSENT[type]
      else if (type === 'u64') column.setHalves(slot, this.#highs[from]!, values[from]!)
      else data[slot] = values[from]!
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

  /** Kernels before 4.15 pad a null: `ptr=          (null)`. */
  #paddedNull(from: number, to: number): number {
    let at = from
    while (at < to && this.#bytes[at] === SPACE) at++
    return this.#bytes[at] === OPEN ? at : from
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
      if (type === 'site' && bytes[end + 1] === OPEN_BRACKET) end = this.#moduleEnd(end, to)
    }
    this.#at = end
    return bare && end > from && bytes[end - 1] === COLON ? end - 1 : end
  }

  /** Behind ` [module]`, or where it began if it is none. */
  #moduleEnd(from: number, to: number): number {
    let end = from + 2
    while (end < to && this.#bytes[end] !== CLOSE_BRACKET && this.#bytes[end] !== SPACE) end++
    return end < to && this.#bytes[end] === CLOSE_BRACKET ? end + 1 : from
  }

  /** Whether the value is one that the field may have. */
  #readValue(index: number, from: number, end: number, placed: boolean): boolean {
    if (end <= from) return false
    const field = this.#fields[index]!
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
        return this.#readFlag(index, from, end)
      default: {
        const value = this.#readNumber(field, from, end)
        this.#values[index] = value
        if (index === 0 && this.kind === 'mm_page_alloc' && isNoPfn(value)) return true
        return value >= field.low && value <= field.high
      }
    }
  }

  #readNumber({ type, name }: Field, from: number, end: number): number {
    const bytes = this.#bytes
    if (type === 'f64') return longIn(bytes, from, end, this.#wide)
    // `size=40960B`
    if (type === 'size')
      return longIn(bytes, from, bytes[end - 1] === 0x42 && bytes[from + 1] !== 0x78 ? end - 1 : end, this.#wide)
    if (name === 'member' && bytes[from] === 0x4d) return this.#texts.member.get(from, end)
    const value = numberIn(bytes, from, end)
    // The kernel prints -1 of a %u as 4294967295.
    return type === 'i32' && value > 0x7fffffff && value <= 0xffffffff ? value - 2 ** 32 : value
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

  /** `1`, `true`, and with the option `fields`, `0x1` and `(1)`. */
  #readFlag(index: number, from: number, to: number): boolean {
    const bytes = this.#bytes
    const first = bytes[from]
    const isInBrackets = first === OPEN && bytes[to - 1] === CLOSE
    let value = isInBrackets ? numberIn(bytes, from + 1, to - 1) : numberIn(bytes, from, to)
    if (first === 0x74) value = 1
    if (first === 0x66) value = 0
    this.#values[index] = value
    return value === 0 || value === 1
  }
}

/** A reader for every name that kernels record and that has a kind. */
export function payloadReaders(texts: Texts): ReadonlyMap<string, PayloadReader> {
  return new Map(
    knownNames.map((name) => {
      const kind = kindOfName(name)!
      return [name, new PayloadReader(kind, texts, name === recordedName(kind) ? kind : name)]
    }),
  )
}
