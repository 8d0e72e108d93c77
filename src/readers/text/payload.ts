import { countedKinds, type EventBuilder, failedKinds, Kind, type KindName, type Probes, recordedName } from '#events'
import type { Release } from '#kernel'
import { type Field, POINTER, textFields } from './fields.ts'
import { BRACKETS, Form, IGNORED, PAGE_VALUE, Tokens } from './form.ts'
import { skipSpaces } from './layouts/bytes.ts'
import { isNullIn, moduleEndIn, paddedNullIn } from './numbers.ts'
import { Rows } from './rows.ts'
import { IDLE, type Step, stepsOf } from './templates.ts'
import type { Texts } from './texts.ts'
import { isPlain, Values } from './values.ts'

export { Texts } from './texts.ts'

const SPACE = 0x20
const EQUALS = 0x3d
const COLON = 0x3a
const OPEN = 0x28
const OPEN_BRACKET = 0x5b
const DOT = 0x2e

/** `page=…`, with which page events begin: it says only whether there is a page. */
const PAGE = new TextEncoder().encode('page')

/** Forms remembered of a name's payloads: more than a kernel and a printer have are those of damage. */
const MOST_FORMS = 4

/** Text always has the key of gfp flags, if nothing behind it: without it a line is cut. */
const isNeeded = ({ optional, type }: Field): boolean => !optional || type === 'gfp'

/** Reads the payload of one kind out of bytes, straight into numbers; `store` writes them as a row. */
export class PayloadReader {
  readonly #kind: number
  /** Whether totals are made of this kind. */
  readonly isCounted: boolean
  readonly #fields: readonly Field[]
  readonly #isPlain: Uint8Array
  /** The key that each field has as a rule. */
  readonly #keys: readonly Uint8Array[]
  readonly #steps: readonly Step[] | undefined
  readonly #bytes: Uint8Array
  readonly #isNeeded: Uint8Array
  readonly #required: number
  readonly #rows: Rows
  /** Rows of another kind, for allocations that failed, and the field by which they are known. */
  readonly #failed: { readonly kind: number; readonly rows: Rows; readonly result: number } | undefined
  /** Column `recordedAs` and what stands in it. */
  readonly #alias: { readonly index: number; readonly number: number } | undefined
  readonly #values: Values
  readonly #found: Uint8Array
  /** Which field stood behind each in the last payload; first, which stood at the begin. */
  readonly #after: Uint8Array
  readonly #tokens = new Tokens()
  readonly #keyedForms: Form[] = []
  readonly #placedForms: Form[] = []
  /** Where the last value ended. */
  #at = 0

  constructor(kind: KindName, texts: Texts, recorded: string, probes: Probes) {
    this.#kind = Kind[kind]
    this.isCounted = countedKinds.has(kind)
    this.#bytes = texts.bytes
    this.#fields = textFields(kind, recorded, probes)
    this.#isPlain = Uint8Array.from(this.#fields, (field) => Number(isPlain(field)))
    this.#keys = this.#fields.map(({ keys }) => keys[0]!)
    this.#steps = stepsOf(kind, this.#fields)
    this.#found = new Uint8Array(this.#fields.length)
    this.#after = Uint8Array.from(this.#fields, (_, field) => field)
    this.#isNeeded = Uint8Array.from(this.#fields, (field) => Number(isNeeded(field)))
    this.#required = this.#fields.filter(isNeeded).length
    const isPage = kind === 'mm_page_alloc'
    this.#values = new Values(this.#fields, texts, recorded === 'rcu_dyntick', isPage ? this.#indexOf('pfn') : -1)
    const { tables, strings } = texts.builder
    this.#rows = new Rows(tables[kind], [...this.#fields.keys()])
    const alias = this.#indexOf('recordedAs')
    if (alias >= 0 && recorded !== recordedName(kind)) this.#alias = { index: alias, number: strings.add(recorded) }
    const failed = (failedKinds as Partial<Record<KindName, KindName>>)[kind]
    if (failed !== undefined) {
      const from = textFields(failed, recorded, probes).map(({ name }) => this.#indexOf(name))
      const rows = new Rows(tables[failed], from)
      this.#failed = { kind: Kind[failed], rows, result: this.#indexOf(isPage ? 'pfn' : 'ptr') }
    }
  }

  /** Names in the last payload's gfp flags which no table knows. */
  get unknownGfp(): number {
    return this.#values.unknownGfp
  }

  /** Whether the last payload has the key of its gfp flags, and nothing behind it. */
  get lacksGfp(): boolean {
    return this.#values.lacksGfp
  }

  /** Whether the last payload's gfp bits hang on a release that is not known. */
  get assumedGfp(): boolean {
    return this.#values.assumedGfp
  }

  /** Whether the bytes hold every field that the kind needs, each within its bounds. `hidesZeros`: whether zeros are not printed. */
  read(from: number, to: number, hidesZeros: boolean): boolean {
    const placed = this.#isPlaced(from)
    const forms = placed ? this.#placedForms : this.#keyedForms
    for (let at = 0; at < forms.length; at++) if (forms[at]!.read(from) === to) return true
    this.#found.fill(0)
    this.#values.begin(this.#found)
    this.#tokens.clear()
    if (!placed && hidesZeros) return this.#readKeyed(from, to) || this.#areOthersZero()
    const isRead = placed ? this.#readPlaced(this.#steps!, from, to) : this.#readKeyed(from, to)
    if (isRead && forms.length < MOST_FORMS && this.#tokens.isFormUpTo(to))
      forms.push(new Form(this.#values, this.#tokens, from, placed))
    return isRead
  }

  /** `trace-cmd report -R` and the option `fields` print keys where the usual text has none. */
  #isPlaced(from: number): boolean {
    return this.#steps !== undefined && !this.#keyStands(this.#keys[0]!, from, EQUALS)
  }

  #readKeyed(from: number, to: number): boolean {
    const bytes = this.#bytes
    const keys = this.#keys
    const found = this.#found
    const after = this.#after
    const values = this.#values
    const tokens = this.#tokens
    let last = 0
    let required = 0
    let at = this.#keyStands(PAGE, from, EQUALS) ? this.#skipUnknown(from, from + PAGE.length, to) : from
    while (at < to) {
      if (bytes[at] === SPACE) {
        at++
        continue
      }
      if (bytes[at] === OPEN) {
        at = this.#readBrackets(at, to)
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
      const lackedGfp = values.lacksGfp
      const isRepeated = found[field] === 1
      if (this.#isPlain[field] === 1 ? this.#readPlain(field, at, to) : this.#readKey(field, at, to)) {
        if (!isRepeated && this.#isNeeded[field] === 1) required++
        found[field] = 1
        if (isRepeated || this.#fields[field]!.bare) tokens.isForm = false
      } else {
        if (values.lacksGfp !== lackedGfp) required++
        // A key that stands there twice has no value, unless both can be read.
        if (isRepeated && this.#isNeeded[field] === 1) required--
        found[field] = 0
        tokens.isForm = false
      }
      at = this.#at
      last = field + 1
    }
    return required === this.#required
  }

  /** `(f+0x47)` of trace-cmd, `(3264)` of the option `fields`, `(null)` of a padded page. Returns where they end. */
  #readBrackets(from: number, to: number): number {
    let end = from
    while (end < to && this.#bytes[end] !== SPACE) end++
    if (isNullIn(this.#bytes, from, end)) {
      this.#values.noPage = true
      this.#tokens.isForm = false
    }
    this.#tokens.add(BRACKETS, from, end)
    return end
  }

  /** Whether some fields were read and all others that the kind needs are numbers, which are zero then. */
  #areOthersZero(): boolean {
    const found = this.#found
    if (!found.includes(1)) return false
    for (const [field, { type, low }] of this.#fields.entries()) {
      if (found[field] === 1 || this.#isNeeded[field] !== 1) continue
      if (type === 'text' || type === 'site' || low > 0) return false
      found[field] = 1
      this.#values.lows[field] = 0
      this.#values.highs[field] = 0
    }
    return true
  }

  #readPlain(field: number, from: number, to: number): boolean {
    const isRead = this.#values.readPlain(field, from, to)
    this.#at = this.#values.at
    this.#tokens.add(field, from, this.#at)
    return isRead
  }

  #readKey(field: number, from: number, to: number): boolean {
    const isPadded = this.#bytes[from] === SPACE && this.#values.codes[field] === POINTER
    const at = isPadded ? paddedNullIn(this.#bytes, from, to) : from
    const end = this.#valueEnd(field, at, to)
    this.#tokens.add(field, at, end)
    return this.#values.read(field, at, end, false)
  }

  #readPlaced(steps: readonly Step[], from: number, to: number): boolean {
    const bytes = this.#bytes
    const tokens = this.#tokens
    let last = to
    while (last > from && bytes[last - 1]! <= SPACE) last--
    let at = skipSpaces(bytes, from, last)
    if (at > from) tokens.isForm = false
    for (let index = 0; index < steps.length; index++) {
      const { field, until } = steps[index]!
      let end = last
      if (until.length > 0) {
        end = at
        while (end < last && !this.#stands(until, end, last)) end++
        if (end >= last) return false
        // A form's values end at spaces.
        if (bytes[end] !== SPACE) tokens.isForm = false
        // `func=f [module] 3`
        if (bytes[end] === SPACE && bytes[end + 1] === OPEN_BRACKET) end = moduleEndIn(bytes, end, last)
        if (!this.#stands(until, end, last)) return false
      }
      const next = end + until.length
      // Patched kernels print more blanks than one.
      while (end > at && bytes[end - 1] === SPACE && until.length > 0) {
        end--
        tokens.isForm = false
      }
      tokens.add(field, at, end)
      if (field === IDLE) {
        this.#readIdle(at, end)
        tokens.isForm = false
      } else if (this.#values.read(field, at, end, true)) this.#found[field] = 1
      else if (this.#fields[field]!.optional) tokens.isForm = false
      else return false
      at = next
      while (at < last && bytes[at] === SPACE && until.length > 0) {
        at++
        tokens.isForm = false
      }
    }
    return true
  }

  /** `C.I.`: callbacks pending, reschedule due, idle, offloaded; trace-cmd prints `>c<>c<>c<>c<`. */
  #readIdle(from: number, to: number): void {
    if (to - from !== 4) return
    const first = this.#indexOf('cb')
    for (let flag = 0; flag < 4; flag++) {
      this.#values.lows[first + flag] = this.#bytes[from + flag] === DOT ? 0 : 1
      this.#found[first + flag] = 1
    }
  }

  /** Writes what `read` found as an event; an allocation that gave nothing is a kind of its own. */
  store(builder: EventBuilder, time: number, cpu: number, pid: number, comm: number, context: number): void {
    const values = this.#values
    if (this.#alias !== undefined) {
      values.lows[this.#alias.index] = this.#alias.number
      values.found[this.#alias.index] = 1
    }
    const failed = this.#failed
    if (failed !== undefined && values.isNothing(failed.result))
      builder.add(time, cpu, pid, comm, context, failed.kind, failed.rows.push(values))
    else builder.add(time, cpu, pid, comm, context, this.#kind, this.#rows.push(values))
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
    const isPage = bytes[at] === 0x70 && equals - at === 4 && bytes[at + 3] === 0x65
    this.#tokens.add(isPage ? PAGE_VALUE : IGNORED, equals + 1, end)
    if (isPage && isNullIn(bytes, equals + 1, end)) {
      this.#values.noPage = true
      this.#tokens.isForm = false
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
}

/** How an event's name is read on: by its kind's fields, or kept as text under this number of a string. */
export type Reading = PayloadReader | number

/** A word behind a stamp: how the event of that name is read, and the length of the name in it. */
export interface Named {
  readonly reading: Reading
  readonly length: number
}

/** Before 2.6.34, which removed free_hot_page(), a page freed in a batch records nothing else: the event is its free. */
const isBatchedFree = (recorded: string, release: Release | undefined): boolean =>
  recorded === 'mm_pagevec_free' && /^2\.6\.(?:\d|[12]\d|3[0-3])(?!\d)/.test(release?.text ?? '')

/** How events of a recorded name are read, made when the first of them comes. */
export function readingsBy(texts: Texts, probes: Probes, release?: Release): (recorded: string) => Reading {
  const readers = new Map<string, PayloadReader>()
  return (recorded) => {
    const kind = isBatchedFree(recorded, release) ? 'mm_page_free' : probes.kindOf(recorded)
    if (kind === undefined) return texts.builder.strings.add(recorded)
    let reader = readers.get(recorded)
    if (reader === undefined) {
      reader = new PayloadReader(kind, texts, recorded, probes)
      readers.set(recorded, reader)
    }
    return reader
  }
}
