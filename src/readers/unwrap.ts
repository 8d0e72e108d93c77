import type { Transform } from 'node:stream'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import { TraceError } from '#kernel/messages'
import { PackedInput } from './packed-input.ts'
import { frameOf, isSkippable, isZstd, skipFrame } from './zstd-frames.ts'

/** No trace unpacks to more than so many times its packed size. */
const MAX_RATIO = 1000
const ALWAYS_ALLOWED = 64 * 1024 * 1024
const OUTPUT = 1 << 18

/** What zlib's streams have beside those of all transforms: how much of the input they took. */
type Engine = Transform & { readonly bytesWritten: number }

export interface Wrapper {
  readonly name: string
  /** Whether a file, or what stands behind a member of one, begins like this. */
  readonly isMember: (head: Uint8Array) => boolean
  /** Unpacks the next member. */
  readonly member: (input: PackedInput) => AsyncGenerator<Uint8Array>
}

const wrappers: readonly Wrapper[] = [
  { name: 'gzip', isMember: (head) => head[0] === 0x1f && head[1] === 0x8b, member: gzipMember },
  { name: 'zstd', isMember: isZstd, member: zstdMember },
]

/** What a file is packed in, by its first bytes. */
export const wrapperOf = (head: Uint8Array): Wrapper | undefined => wrappers.find(({ isMember }) => isMember(head))

/** Takes gzip or zstd off a file of that size, in pieces; it holds one of them at a time. */
export async function* unwrap(
  packed: AsyncIterable<Uint8Array>,
  { name, isMember, member }: Wrapper,
  file: string,
  size: number,
): AsyncGenerator<Uint8Array> {
  const limit = Math.max(ALWAYS_ALLOWED, size * MAX_RATIO)
  let unpacked = 0
  try {
    for await (const piece of members(new PackedInput(packed), isMember, member)) {
      unpacked += piece.length
      if (unpacked > limit) break
      yield piece
    }
  } catch (error) {
    if (error instanceof TraceError) throw error
    throw new TraceError({
      place: { file },
      what: `the ${name} file can't be unpacked: ${(error as Error).message}`,
      hint: 'The file is cut short or damaged; copy it again.',
    })
  }
  if (unpacked > limit)
    throw new TraceError({
      place: { file },
      what: `the ${name} file unpacks to more than ${limit} bytes`,
      hint: 'Unpack it yourself and give the unpacked file, if it is what you expect.',
    })
}

/** Members one behind the other, as parallel compressors and `cat a.gz b.gz` write them, and zeros that fill up the end. */
async function* members(
  input: PackedInput,
  isMember: Wrapper['isMember'],
  member: Wrapper['member'],
): AsyncGenerator<Uint8Array> {
  for (let first = true; ; first = false) {
    if (!first) await input.skipZeros()
    const head = await input.peek(4)
    if (head.length === 0) return
    if (!isMember(head)) throw new Error('what stands behind its end is no more of it')
    yield* member(input)
  }
}

async function* zstdMember(input: PackedInput): AsyncGenerator<Uint8Array> {
  if (isSkippable(await input.peek(4))) {
    await skipFrame(input)
    return
  }
  const frame = frameOf(input)
  yield* through(createZstdDecompress({ chunkSize: OUTPUT }), async () => {
    const { value, done } = await frame.next()
    return done === true ? undefined : value
  })
}

/** zlib finds the end of a member itself, takes more members in the same piece, and stops before a zero. */
async function* gzipMember(input: PackedInput): AsyncGenerator<Uint8Array> {
  const engine: Engine = createGunzip({ chunkSize: OUTPUT })
  let given = 0
  let last: Uint8Array = new Uint8Array(0)
  yield* through(engine, async () => {
    const piece = await input.next()
    given += piece?.length ?? 0
    last = piece ?? last
    return piece
  })
  input.giveBack(last.subarray(last.length - (given - engine.bytesWritten)))
}

/** What an engine makes of the pieces that `next` gives, until it or they end. */
async function* through(engine: Engine, next: () => Promise<Uint8Array | undefined>): AsyncGenerator<Uint8Array> {
  // An engine may fail after the last piece was taken out of it, when nobody else listens.
  let failure: Error | undefined
  engine.on('error', (error: Error) => {
    failure ??= error
  })
  const giving = give(engine, next).catch((error: Error) => {
    failure ??= error
    engine.destroy()
  })
  try {
    for await (const piece of engine) yield piece as Uint8Array
    await giving
  } catch (error) {
    throw failure ?? error
  } finally {
    engine.destroy()
  }
  if (failure !== undefined) throw failure
}

async function give(engine: Engine, next: () => Promise<Uint8Array | undefined>): Promise<void> {
  while (!engine.readableEnded && !engine.destroyed) {
    const piece = await next()
    if (piece === undefined) {
      engine.end()
      return
    }
    // An engine at its end leaves the rest of a piece, and never says that it took it.
    await new Promise<void>((resolve) => {
      engine.once('close', resolve)
      engine.write(piece, () => {
        engine.off('close', resolve)
        resolve()
      })
    })
  }
}
