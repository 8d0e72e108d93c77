import type { Transform } from 'node:stream'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import { TraceError } from '#kernel'

/** No trace unpacks to more than so many times its packed size. */
const MAX_RATIO = 1000
const ALWAYS_ALLOWED = 64 * 1024 * 1024
const OUTPUT = 1 << 18

/** What zlib's streams have beside those of all transforms: how much of the input they took. */
type Engine = Transform & { readonly bytesWritten: number }

interface Wrapper {
  readonly name: string
  readonly magic: readonly number[]
  readonly engine: () => Engine
  /** Whether the engine stops behind the first of several frames, which parallel compressors write. */
  readonly byFrame: boolean
}

const wrappers: readonly Wrapper[] = [
  { name: 'gzip', magic: [0x1f, 0x8b], engine: () => createGunzip({ chunkSize: OUTPUT }), byFrame: false },
  {
    name: 'zstd',
    magic: [0x28, 0xb5, 0x2f, 0xfd],
    engine: () => createZstdDecompress({ chunkSize: OUTPUT }),
    byFrame: true,
  },
]

/** What a file is packed in, by its first bytes. */
export const wrapperOf = (head: Uint8Array): Wrapper | undefined =>
  wrappers.find(({ magic }) => magic.every((byte, at) => head[at] === byte))

/** Takes gzip or zstd off a file of that size, in pieces; it holds one of them at a time. */
export async function* unwrap(
  packed: AsyncIterable<Uint8Array>,
  { name, engine, byFrame }: Wrapper,
  file: string,
  size: number,
): AsyncGenerator<Uint8Array> {
  const limit = Math.max(ALWAYS_ALLOWED, size * MAX_RATIO)
  let unpacked = 0
  try {
    for await (const piece of byFrame ? frames(engine, packed) : frame(engine(), new Input(packed))) {
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

/** Pieces of which the end of the last can be given back. */
class Input {
  readonly #pieces: AsyncIterator<Uint8Array>
  #back: Uint8Array | undefined

  constructor(pieces: AsyncIterable<Uint8Array>) {
    this.#pieces = pieces[Symbol.asyncIterator]()
  }

  async next(): Promise<Uint8Array | undefined> {
    const back = this.#back
    this.#back = undefined
    if (back !== undefined) return back
    const { value, done } = await this.#pieces.next()
    return done === true ? undefined : value
  }

  giveBack(piece: Uint8Array): void {
    if (piece.length > 0) this.#back = piece
  }
}

async function* frames(engine: () => Engine, packed: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const input = new Input(packed)
  for (let piece = await input.next(); piece !== undefined; piece = await input.next()) {
    input.giveBack(piece)
    yield* frame(engine(), input)
  }
}

/** One frame; what stands behind it is given back. */
async function* frame(engine: Engine, input: Input): AsyncGenerator<Uint8Array> {
  let given = 0
  let last: Uint8Array = new Uint8Array(0)
  const give = async (): Promise<void> => {
    while (!engine.readableEnded && !engine.destroyed) {
      const piece = await input.next()
      if (piece === undefined) {
        engine.end()
        return
      }
      given += piece.length
      last = piece
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
  const giving = give()
  giving.catch((error: Error) => engine.destroy(error))
  for await (const piece of engine) yield piece as Uint8Array
  await giving
  input.giveBack(last.subarray(last.length - (given - engine.bytesWritten)))
}
