import type { Decoder } from './decoder.ts'

/** UTF-16, as Windows' shells redirect text, and the byte order mark of UTF-8. */
class Unicode implements Decoder {
  readonly joins = 0
  readonly #decoder: InstanceType<typeof TextDecoder>

  constructor(encoding: 'utf-8' | 'utf-16le' | 'utf-16be') {
    // The mark is taken off.
    this.#decoder = new TextDecoder(encoding)
  }

  push(piece: Uint8Array): Uint8Array {
    return Buffer.from(this.#decoder.decode(piece, { stream: true }))
  }

  end(): Uint8Array {
    return Buffer.from(this.#decoder.decode())
  }
}

/** The decoder for a text that is not plain bytes. */
export function unicodeOf(head: Uint8Array): Decoder | undefined {
  if (head[0] === 0xff && head[1] === 0xfe) return new Unicode('utf-16le')
  if (head[0] === 0xfe && head[1] === 0xff) return new Unicode('utf-16be')
  if (head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf) return new Unicode('utf-8')
  // Without the mark: every other byte is zero.
  const length = Math.min(head.length & ~1, 256)
  const zeros = [0, 0]
  for (let at = 0; at < length; at++) if (head[at] === 0) zeros[at & 1]!++
  if (length < 16) return undefined
  if (zeros[1] === length / 2 && zeros[0] === 0) return new Unicode('utf-16le')
  return zeros[0] === length / 2 && zeros[1] === 0 ? new Unicode('utf-16be') : undefined
}
