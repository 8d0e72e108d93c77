import type { PackedInput } from './packed-input.ts'

/** Source: RFC 8878, 3.1.1 and 3.1.2. */
const MAGIC = 0xfd2fb528
const SKIPPABLE = 0x184d2a50
const RLE = 1
const RESERVED = 3
const CHECKSUM = 4

const magicOf = (bytes: Uint8Array): number =>
  bytes.length < 4 ? 0 : new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true)

export const isZstd = (head: Uint8Array): boolean => magicOf(head) === MAGIC || isSkippable(head)

/** Frames of user data, which pzstd writes before each of its own. */
export const isSkippable = (head: Uint8Array): boolean => (magicOf(head) & ~0xf) >>> 0 === SKIPPABLE

export async function skipFrame(input: PackedInput): Promise<void> {
  const head = await input.peek(8)
  if (head.length < 8) throw new Error('unexpected end of file')
  const length = 8 + new DataView(head.buffer, head.byteOffset).getUint32(4, true)
  for await (const _ of input.take(length));
}

/** The bytes of the next frame, to its last: a decompressor that gets more may stop in the middle of a piece without a word. */
export async function* frameOf(input: PackedInput): AsyncGenerator<Uint8Array> {
  const descriptor = (await input.peek(5))[4] ?? 0
  const isSingle = (descriptor >> 5) & 1
  const dictionary = [0, 1, 2, 4][descriptor & 3]!
  const contentSize = [isSingle, 2, 4, 8][descriptor >> 6]!
  yield* input.take(5 + (1 - isSingle) + dictionary + contentSize)
  for (let isLast = false; !isLast; ) {
    const [low = 0, middle = 0, high = 0] = await input.peek(3)
    isLast = (low & 1) === 1
    const type = (low >> 1) & 3
    if (type === RESERVED) throw new Error('a block of a reserved type')
    const size = (low | (middle << 8) | (high << 16)) >>> 3
    yield* input.take(3 + (type === RLE ? 1 : size))
  }
  if ((descriptor & CHECKSUM) !== 0) yield* input.take(4)
}
