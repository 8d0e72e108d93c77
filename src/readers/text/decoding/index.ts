import { chained, type Decoder } from './decoder.ts'
import { mailOf } from './mail.ts'
import { pageOf, terminalOf } from './markup.ts'
import { unicodeOf } from './unicode.ts'

export type { Decoder } from './decoder.ts'

/** Each sees what those before it made of the first bytes. */
const all: readonly ((head: Uint8Array, text: string) => Decoder | undefined)[] = [
  unicodeOf,
  (_, text) => terminalOf(text),
  (_, text) => mailOf(text),
  (_, text) => pageOf(text),
]

export interface Decoding {
  /** What the first bytes stand for. */
  readonly head: Uint8Array
  /** A new decoder of the whole text; undefined where it is plain bytes. */
  readonly open: () => Decoder | undefined
  readonly isMail: boolean
}

/** How a text is encoded, by its first bytes. */
export function decodingOf(start: Uint8Array): Decoding {
  let head = start
  const makers: (() => Decoder)[] = []
  for (const of of all) {
    const text = Buffer.from(head.buffer, head.byteOffset, head.length).toString('latin1')
    const [bytes, seen] = [head, text]
    const decoder = of(bytes, seen)
    if (decoder === undefined) continue
    makers.push(() => of(bytes, seen)!)
    head = decoder.push(head)
    if (start.length < 65536) head = Buffer.concat([head, decoder.end()])
  }
  const isMail = makers.length > 0 && mailOf(Buffer.from(start).toString('latin1')) !== undefined
  return { head, open: () => chained(makers.map((make) => make())), isMail }
}
