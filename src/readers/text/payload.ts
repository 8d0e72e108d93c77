import type { z } from 'zod'
import {
  ABSENT,
  type ColumnType,
  type EventBuilder,
  fieldsOf,
  isOptional,
  Kind,
  type KindName,
  kindNames,
  metaOf,
  recordedName,
  snakeCase,
} from '#events'
import { parseGfp, type Release } from '#kernel'
import { ByteMemo } from './byte-memo.ts'

const SPACE = 0x20
const EQUALS = 0x3d
const COLON = 0x3a
const OPEN = 0x28

/** All ones of a 64-bit and of a 32-bit pfn: how raw fields say that there is no page. */
const isNoPfn = (value: number): boolean => value === 0xffffffff || value >= 2 ** 64 - 1024

interface Field {
  readonly keys: readonly Uint8Array[]
  /** `work struct 0x…: function f` names its values without `=`. */
  readonly bare: boolean
  readonly type: ColumnType | 'gfp'
  readonly optional: boolean
  readonly low: number
  readonly high: number
}

/** Bits of a text of gfp flags. */
interface GfpText {
  readonly bits: number
  readonly unknown: number
  /** Whether the bits hang on the release, which is not known. */
  readonly assumed: boolean
}

/** Composite names whose bits have changed between releases. */
const VARYING = /(?:^|\|)(?:GFP_ATOMIC|GFP_NOWAIT)(?:\||$)/

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text)

function fieldOf(name: string, schema: z.ZodType): Field {
  const inner = (isOptional(schema) ? (schema as z.ZodOptional).unwrap() : schema) as {
    minValue?: number | null
    maxValue?: number | null
  }
  const { column } = metaOf(schema)
  const key = snakeCase(name)
  return {
    // `work struct=0x…` is what the kernel prints for the field `work`.
    keys: key === 'work' ? [ascii('struct'), ascii('work')] : [ascii(key)],
    bare: key === 'work' || key === 'function',
    type: key === 'gfp_flags' ? 'gfp' : column,
    optional: isOptional(schema),
    low: column === 'u64' ? 0 : Number(inner.minValue ?? 0),
    high: column === 'u64' ? 0 : Number(inner.maxValue ?? 0),
  }
}

/** Reads texts into the dictionary and gfp names into bits, each different one once. */
export class Texts {
  readonly bytes: Uint8Array
  readonly text: ByteMemo<number>
  readonly gfp: ByteMemo<GfpText>

  constructor(bytes: Uint8Array, builder: EventBuilder, release: Release | undefined) {
    this.bytes = bytes
    this.text = new ByteMemo(bytes, (text) => builder.strings.add(text))
    this.gfp = new ByteMemo(bytes, (text) => {
      const { bits, unknown } = parseGfp(text, release?.rules ?? '6.12')
      return { bits, unknown: unknown.length, assumed: release === undefined && VARYING.test(text) }
    })
  }
}

/** Reads the `key=value` payload of one kind out of bytes, straight into numbers; `store` writes them as a row. */
export class PayloadReader {
  readonly kind: KindName
  readonly #fields: readonly Field[]
  readonly #values: Float64Array
  readonly #pointers: bigint[]
  readonly #found: Uint8Array
  readonly #texts: Texts
  readonly #bytes: Uint8Array
  readonly #required: number
  #noPage = false
  /** Names in the last payload's gfp flags which no table knows. */
  unknownGfp = 0
  /** Whether the last payload's gfp bits hang on a release that is not known. */
  assumedGfp = false
  /** Where the last value ended. */
  #at = 0

  constructor(kind: KindName, texts: Texts) {
    this.kind = kind
    this.#texts = texts
    this.#bytes = texts.bytes
    this.#fields = Object.entries(fieldsOf(kind)).map(([name, schema]) => fieldOf(name, schema))
    this.#values = new Float64Array(this.#fields.length)
    this.#pointers = this.#fields.map(() => 0n)
    this.#found = new Uint8Array(this.#fields.length)
    this.#required = this.#fields.filter(({ optional }) => !optional).length
  }

  /** Whether the bytes hold every field that the kind needs, each within its bounds. */
  read(from: number, to: number): boolean {
    const bytes = this.#bytes
    const fields = this.#fields
    this.#found.fill(0)
    this.#noPage = false
    this.unknownGfp = 0
    this.assumedGfp = false
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
            if (bytes[at] === OPEN && this.#isNull(at, end)) this.#noPage = true
            at = end
            continue
          }
          at = end + 1
        }
      }
      if (this.#readValue(field, at, to)) {
        if (this.#found[field] === 0 && !fields[field]!.optional) required++
        this.#found[field] = 1
      }
      at = this.#at
      next = field + 1
    }
    return required === this.#required
  }

  /** Writes what `read` found as an event; a page allocation that gave no page is a kind of its own. */
  store(builder: EventBuilder, time: number, cpu: number, pid: number, comm: number, context: number): void {
    const values = this.#values
    if (this.kind === 'mm_page_alloc' && (isNoPfn(values[0]!) || (this.#noPage && values[0] === 0))) {
      const table = builder.tables.mm_page_alloc_failed
      const slot = table.push()
      const [order, migratetype, gfpFlags] = table.list
      order!.data[slot] = values[1]!
      migratetype!.data[slot] = values[2]!
      gfpFlags!.data[slot] = values[3]!
      builder.add(time, cpu, pid, comm, context, Kind.mm_page_alloc_failed, slot)
      return
    }
    const table = builder.tables[this.kind]
    const slot = table.push()
    const { list } = table
    for (let i = 0; i < list.length; i++) {
      const { data, type } = list[i]!
      if (type === 'u64') (data as BigUint64Array)[slot] = this.#found[i] === 1 ? this.#pointers[i]! : ABSENT.u64
      else data[slot] = this.#found[i] === 1 ? values[i]! : ABSENT[type]
    }
    builder.add(time, cpu, pid, comm, context, Kind[this.kind], slot)
  }

  #keyStands(key: Uint8Array, at: number, end: number): boolean {
    const bytes = this.#bytes
    for (let i = 0; i < key.length; i++) if (bytes[at + i] !== key[i]) return false
    return bytes[at + key.length] === end
  }

  #fieldNamed(at: number, length: number, bare: boolean): number {
    for (let i = 0; i < this.#fields.length; i++) {
      const field = this.#fields[i]!
      if (bare && !field.bare) continue
      // Without `=`, `work` is only the first half of `work struct`.
      for (let k = 0; k < (bare ? 1 : field.keys.length); k++) {
        const key = field.keys[k]!
        if (key.length === length && this.#keyStands(key, at, bare ? SPACE : EQUALS)) return i
      }
    }
    return -1
  }

  /** Skips `key=value`. A null `page` tells a failed allocation from page frame 0. */
  #skipUnknown(at: number, equals: number, to: number): number {
    const bytes = this.#bytes
    let end = equals + 1
    while (end < to && bytes[end] !== SPACE) end++
    // p of page=
    if (bytes[at] === 0x70 && equals - at === 4 && bytes[at + 3] === 0x65 && this.#isNull(equals + 1, end)) {
      this.#noPage = true
    }
    return end
  }

  /** `(nil)`, `(null)`, `0x0`, `0000000000000000` */
  #isNull(from: number, to: number): boolean {
    const bytes = this.#bytes
    if (bytes[from] === OPEN) return bytes[from + 1] === 0x6e && to - from <= 6
    if (from === to) return false
    for (let at = from; at < to; at++) if (bytes[at] !== 0x30 && !(at === from + 1 && bytes[at] === 0x78)) return false
    return true
  }

  /** Reads one value and leaves `#at` behind it. */
  #readValue(index: number, from: number, to: number): boolean {
    const bytes = this.#bytes
    const field = this.#fields[index]!
    let end = from
    while (end < to && bytes[end] !== SPACE) end++
    this.#at = end
    if (field.bare && end > from && bytes[end - 1] === COLON) end--
    if (end === from) return false
    switch (field.type) {
      case 'gfp': {
        const { bits, unknown, assumed } = this.#texts.gfp.get(from, end)
        this.unknownGfp = unknown
        this.assumedGfp = assumed
        this.#values[index] = bits
        return bits <= field.high
      }
      case 'text':
        this.#values[index] = this.#texts.text.get(from, end)
        return true
      case 'u64':
        return this.#readPointer(index, from, end)
      case 'flag':
        return this.#readFlag(index, from, end)
      default: {
        let value = this.#number(from, end)
        // The kernel prints -1 of a %u as 4294967295.
        if (field.type === 'i32' && value > 0x7fffffff && value <= 0xffffffff) value -= 2 ** 32
        this.#values[index] = value
        if (index === 0 && this.kind === 'mm_page_alloc' && isNoPfn(value)) return true
        return value >= field.low && value <= field.high
      }
    }
  }

  /** `1`, `true`, and with the option `fields`, `0x1` and `(1)`. */
  #readFlag(index: number, from: number, to: number): boolean {
    const first = this.#bytes[from]
    let value = first === OPEN ? this.#number(from + 1, to - 1) : this.#number(from, to)
    if (first === 0x74) value = 1
    if (first === 0x66) value = 0
    this.#values[index] = value
    return value === 0 || value === 1
  }

  /** Decimal, or hexadecimal after `0x`; NaN if it is neither. */
  #number(from: number, to: number): number {
    const bytes = this.#bytes
    if (bytes[from] === 0x30 && bytes[from + 1] === 0x78) return from + 2 === to ? Number.NaN : this.#hex(from + 2, to)
    const negative = bytes[from] === 0x2d
    let at = negative ? from + 1 : from
    if (at === to) return Number.NaN
    let value = 0
    for (; at < to; at++) {
      const digit = bytes[at]! - 0x30
      if (digit < 0 || digit > 9) return Number.NaN
      value = value * 10 + digit
    }
    return negative ? -value : value
  }

  #hex(from: number, to: number): number {
    const bytes = this.#bytes
    let value = 0
    for (let at = from; at < to; at++) {
      const byte = bytes[at]!
      const digit = byte <= 0x39 ? byte - 0x30 : (byte | 0x20) - 0x57
      if (digit < 0 || digit > 15 || (byte > 0x39 && digit < 10)) return Number.NaN
      value = value * 16 + digit
    }
    return value
  }

  /** Pointers are hexadecimal with and without `0x`. */
  #readPointer(index: number, from: number, to: number): boolean {
    const bytes = this.#bytes
    if (bytes[from] === OPEN) {
      this.#pointers[index] = 0n
      return this.#isNull(from, to)
    }
    const start = bytes[from] === 0x30 && bytes[from + 1] === 0x78 ? from + 2 : from
    if (to === start || to - start > 16) return false
    const split = Math.max(start, to - 8)
    const high = this.#hex(start, split)
    const low = this.#hex(split, to)
    if (Number.isNaN(high) || Number.isNaN(low)) return false
    const value = (BigInt(high) << 32n) | BigInt(low)
    this.#pointers[index] = value
    return value !== ABSENT.u64
  }
}

/** A reader for every kind that kernels record under its own name. */
export function payloadReaders(texts: Texts): ReadonlyMap<string, PayloadReader> {
  const named = kindNames.filter((kind) => kind !== 'other' && recordedName(kind) === kind)
  return new Map(named.map((kind) => [kind, new PayloadReader(kind, texts)]))
}
