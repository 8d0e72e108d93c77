import type { LateText } from '#events/columns'
import { KnownBytes } from '../known-bytes.ts'
import type { Decoder, DecoderContext, Window } from './decoder-types.ts'
import type { EventFormat } from './layout.ts'
import { isAddress, isCode, isFormat, printerOf } from './values.ts'

/** Events of no kind of ours: name and fields as text, `qlen=16 blimit=10`; values with spaces in quotes. */
export function otherRow(format: EventFormat, context: DecoderContext): Decoder['row'] {
  const { strings } = context
  const table = context.tables.other
  const name = strings.add(format.name)
  // Records that are equal from their first own field on have the same text.
  const start = format.fields
    .filter(({ name }) => !name.startsWith('common_'))
    .reduce((first, { offset }) => Math.min(first, offset), Number.MAX_SAFE_INTEGER)
  const known = new KnownBytes()
  const text = textOf(format, context)
  return (window, at, length) => {
    let fields = known.find(window.view, at + Math.min(start, length), at + length)
    if (fields < 0) {
      const isLate = known.hasRoom && length > start
      fields = isLate ? strings.addLate(new OtherText(known, start, text)) : strings.add(text(window, at, length))
      known.remember(fields)
    }
    const slot = table.push()
    table.column.name.data[slot] = name
    table.column.fields.data[slot] = fields
    return slot
  }
}

/** The text of a record that is remembered, put together from its bytes. Few are asked for: probes hand on addresses, each another. */
class OtherText implements LateText {
  readonly #known: KnownBytes
  readonly #entry: number
  readonly #start: number
  readonly #text: (window: Window, at: number, length: number) => string

  /** Of the record that `known` remembers next. */
  constructor(known: KnownBytes, start: number, text: (window: Window, at: number, length: number) => string) {
    this.#known = known
    this.#entry = known.next
    this.#start = start
    this.#text = text
  }

  make(): string {
    const own = this.#known.bytesOf(this.#entry)
    // What every record begins with is not remembered, nor printed.
    const bytes = new Uint8Array(this.#start + own.length)
    bytes.set(own, this.#start)
    return this.#text({ bytes, view: new DataView(bytes.buffer) }, 0, bytes.length)
  }
}

/** Puts the text together as bytes: strings joined of many small ones cost twice, when they are made and when they are looked up. */
function textOf(format: EventFormat, context: DecoderContext): (window: Window, at: number, length: number) => string {
  const { little, symbols, printk } = context
  // The text may be asked for when the file is closed: what it takes of the file is read now.
  if (format.fields.some(isCode)) symbols.load()
  if (format.fields.some(isFormat)) printk()
  let scratch = Buffer.alloc(1024)
  let end = 0
  const reserve = (size: number): void => {
    if (end + size > scratch.length) scratch = Buffer.concat([scratch], (end + size) * 2)
  }
  const parts = format.fields
    .filter(({ name }) => !name.startsWith('common_'))
    .map((field, at) => {
      const label = Buffer.from(`${at === 0 ? '' : ' '}${field.name}=`)
      const putLabel = () => {
        for (let at = 0; at < label.length; at++) scratch[end++] = label[at]!
      }
      if (isAddress(field) && field.size === 8) {
        const [lowAt, highAt] = little ? [field.offset, field.offset + 4] : [field.offset + 4, field.offset]
        return ({ view }: Window, at: number) => {
          reserve(label.length + 18)
          putLabel()
          end = putHex(scratch, end, view.getUint32(at + highAt, little), view.getUint32(at + lowAt, little))
        }
      }
      const print = printerOf(field, context)
      return (window: Window, at: number, length: number) => {
        const value = print(window, at, length)
        const text = /[\s"]/.test(value) ? JSON.stringify(value) : value
        // At most three bytes a UTF-16 unit.
        reserve(label.length + text.length * 3)
        putLabel()
        end += scratch.write(text, end)
      }
    })
  return (window, at, length) => {
    end = 0
    for (const part of parts) part(window, at, length)
    return scratch.toString('utf8', 0, end)
  }
}

const DIGITS = Buffer.from('0123456789abcdef')
const digitsOf = (number: number): number => 8 - (Math.clz32(number) >>> 2)

/** Writes `0x…` and returns where it ends. */
function putHex(into: Uint8Array, at: number, high: number, low: number): number {
  into[at++] = 0x30
  into[at++] = 0x78
  for (let digit = digitsOf(high) - 1; digit >= 0; digit--) into[at++] = DIGITS[(high >>> (digit * 4)) & 15]!
  const digits = high === 0 ? Math.max(1, digitsOf(low)) : 8
  for (let digit = digits - 1; digit >= 0; digit--) into[at++] = DIGITS[(low >>> (digit * 4)) & 15]!
  return at
}
