import { blanksOf, tabsOf } from './blanks.ts'
import { chained, type Decoder } from './decoder.ts'
import { caretsOf, edgesOf, returnsOf } from './edges.ts'
import { mailOf } from './mail.ts'
import { pageOf, terminalOf } from './markup.ts'
import { recordsOf } from './records.ts'
import { unicodeOf } from './unicode.ts'

export type { Decoder } from './decoder.ts'

/** Each sees what those before it made of the first bytes. */
const all: readonly ((head: Uint8Array, text: string) => Decoder | undefined)[] = [
  unicodeOf,
  (_, text) => returnsOf(text),
  (_, text) => recordsOf(text),
  (_, text) => terminalOf(text),
  (_, text) => mailOf(text),
  (_, text) => pageOf(text),
  (_, text) => blanksOf(text),
  (_, text) => edgesOf(text),
  (_, text) => caretsOf(text),
  (_, text) => tabsOf(text),
]

export interface Decoding {
  /** What the first bytes stand for. */
  readonly head: Uint8Array
  /** Whether they stand for themselves. */
  readonly isPlain: boolean
  /** A new decoder of the whole text; undefined where it is plain bytes. */
  readonly open: () => Decoder | undefined
  readonly isMail: boolean
}

const latin1 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')

/** How a text is encoded, by its first bytes. */
export function decodingOf(start: Uint8Array): Decoding {
  let head = start
  let text = latin1(head)
  const makers: (() => Decoder)[] = []
  for (const of of all) {
    const [bytes, seen] = [head, text]
    const decoder = of(bytes, seen)
    if (decoder === undefined) continue
    makers.push(() => of(bytes, seen)!)
    head = decoder.push(head)
    if (start.length < 65536) head = Buffer.concat([head, decoder.end()])
    text = latin1(head)
  }
  const isMail = makers.length > 0 && mailOf(latin1(start)) !== undefined
  return { head, isPlain: makers.length === 0, open: () => chained(makers.map((make) => make())), isMail }
}
