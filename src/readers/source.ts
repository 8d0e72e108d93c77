import { constants } from 'node:buffer'
import { readSync } from 'node:fs'
import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TraceError } from '#kernel/messages'
import { type Bytes, type FetchedBytes, HEAD } from './format.ts'
import { PackedInput } from './packed-input.ts'
import { openPlain } from './plain-file.ts'
import { unwrap, type Wrapper, wrapperOf } from './unwrap.ts'

/** Bytes fetched at once; they are handed on in parts, each still near the processor, and each told in the progress. */
const FETCHED = 1 << 20
const PIECE = 1 << 16
/** How often a file may be packed. */
const MOST_LAYERS = 3

interface Passed {
  share: number
}

type Progress = (doneBytes: number, totalBytes: number) => void

/** A trace file, opened: its bytes without gzip or zstd, in pieces or whole. */
export class Source {
  readonly name: string
  readonly #file: FileHandle
  readonly #size: number
  readonly #rest: AsyncIterator<Uint8Array>
  /** What was read of it to know what it is. */
  readonly #begin: Uint8Array
  /** What the file is packed in. */
  readonly wrapper: string | undefined

  readonly #passed: Passed
  #unpacked: FileHandle | undefined

  private constructor(name: string, file: FileHandle, size: number, opened: Opened, passed: Passed) {
    this.#passed = passed
    this.name = name
    this.#file = file
    this.#size = size
    this.#rest = opened.rest
    this.#begin = opened.begin
    this.wrapper = opened.wrapper
  }

  /** Opens a file for as long as `read` takes. */
  static async use<T>(
    name: string,
    onProgress: Progress | undefined,
    read: (source: Source) => Promise<T>,
  ): Promise<T> {
    const file = await openPlain(name, 'Save the trace to a file that you may read, and give that.')
    try {
      const status = await file.stat()
      if (status.size === 0) {
        throw new TraceError({
          place: { file: name },
          what: 'the file is empty',
          hint: 'Record or copy the trace again.',
        })
      }
      const passed = { share: 0 }
      const opened = await begin(name, file, status.size, (done, total) => {
        passed.share = done / total
        onProgress?.(done, total)
      })
      const source = new Source(name, file, status.size, opened, passed)
      try {
        return await read(source)
      } finally {
        await source.#unpacked?.close()
        await opened.rest.return?.()
      }
    } finally {
      await file.close()
    }
  }

  /** The first bytes, up to 64 KiB. */
  get head(): Uint8Array {
    return this.#begin.subarray(0, HEAD)
  }

  /** How much of the file the pieces taken so far are, without the last one. */
  get share(): number {
    return this.#passed.share
  }

  /** To be asked for once. A piece holds until the next one. */
  async *pieces(): AsyncGenerator<Uint8Array> {
    yield this.#begin
    for (let next = await this.#rest.next(); next.done !== true; next = await this.#rest.next()) yield next.value
  }

  /** All of it, fetched as it is asked for. A packed file is unpacked into one that has no name, so that nothing stays of it. */
  async fetchable(): Promise<FetchedBytes> {
    if (this.wrapper === undefined) return new BytesOfFile(this.#file.fd, this.#size)
    const file = await nameless()
    this.#unpacked = file
    let length = 0
    for await (const piece of this.pieces()) {
      await file.writeFile(piece).catch((error: NodeJS.ErrnoException) => {
        const what = `can't be unpacked into ${tmpdir()} (${error.code})`
        throw new TraceError({ place: { file: this.name }, what, hint: 'Set TMPDIR to a folder with more room.' })
      })
      length += piece.length
    }
    return new BytesOfFile(file.fd, length)
  }

  /** All of it. */
  async bytes(): Promise<Uint8Array> {
    if (this.wrapper === undefined) return this.#whole()
    const pieces: Uint8Array[] = []
    let length = 0
    for await (const piece of this.pieces()) {
      pieces.push(piece)
      length += piece.length
      this.#checkLength(length)
    }
    return Buffer.concat(pieces, length)
  }

  async #whole(): Promise<Uint8Array> {
    this.#checkLength(this.#size)
    const bytes = Buffer.allocUnsafe(this.#size)
    let at = 0
    while (at < bytes.length) {
      const { bytesRead } = await this.#file.read(bytes, at, Math.min(bytes.length - at, 1 << 30), at)
      if (bytesRead === 0) break
      at += bytesRead
    }
    return bytes.subarray(0, at)
  }

  #checkLength(length: number): void {
    if (length <= constants.MAX_LENGTH) return
    const hint = 'Cut it: `trace-cmd split`.'
    throw new TraceError({ place: { file: this.name }, what: 'the file is too large to read', hint })
  }
}

async function nameless(): Promise<FileHandle> {
  const folder = await mkdtemp(join(tmpdir(), 'kreplay-unpacked-'))
  try {
    return await open(join(folder, 'trace'), 'wx+')
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const BLOCK = 1 << 16

class BytesOfFile implements FetchedBytes {
  readonly #fd: number
  readonly length: number
  /** Small requests come one behind the other. */
  #block: Uint8Array = new Uint8Array(0)
  #blockAt = 0

  constructor(fd: number, length: number) {
    this.#fd = fd
    this.length = length
  }

  subarray(from: number, to: number): Uint8Array {
    const [start, end] = [Math.min(from, this.length), Math.min(to, this.length)]
    if (end - start >= BLOCK) return this.#fetch(start, end)
    if (start < this.#blockAt || end > this.#blockAt + this.#block.length) {
      this.#block = this.#fetch(start, Math.min(start + BLOCK, this.length))
      this.#blockAt = start
    }
    return this.#block.subarray(start - this.#blockAt, Math.max(start, end) - this.#blockAt)
  }

  #fetch(from: number, to: number): Uint8Array {
    const bytes = Buffer.allocUnsafeSlow(to - from)
    return bytes.subarray(0, this.readInto(bytes, from))
  }

  alongside(): Bytes {
    let block: Uint8Array = new Uint8Array(0)
    let [start, end] = [0, 0]
    return {
      length: this.length,
      subarray: (from, to) => {
        const until = Math.min(to, this.length)
        if (from < start || until > end) {
          const size = Math.max(0, Math.min(Math.max(to - from, BLOCK), this.length - from))
          if (size > block.length) block = Buffer.allocUnsafeSlow(size)
          start = from
          end = from + this.readInto(block.subarray(0, size), from)
        }
        return block.subarray(from - start, Math.max(from, Math.min(until, end)) - start)
      },
    }
  }

  readInto(target: Uint8Array, at: number): number {
    let done = 0
    while (done < target.length) {
      const read = readSync(this.#fd, target, done, Math.min(target.length - done, 1 << 30), at + done)
      // The file became shorter meanwhile.
      if (read === 0) break
      done += read
    }
    return done
  }
}

interface Opened {
  readonly begin: Uint8Array
  readonly rest: AsyncIterator<Uint8Array>
  readonly wrapper: string | undefined
}

/** Reads on until the first 64 KiB are there. */
async function begin(name: string, file: FileHandle, size: number, onProgress: Progress): Promise<Opened> {
  const magic = new Uint8Array(4)
  await file.read(magic, 0, magic.length, 0)
  const wrapper = wrapperOf(magic)
  const packed = piecesOf(file, size, onProgress)
  const rest = wrapper === undefined ? packed : await unwrapAll(packed, wrapper, name, size)
  const first: Uint8Array[] = []
  let length = 0
  while (length < HEAD) {
    const { value, done } = await rest.next()
    if (done === true) break
    length += value.length
    // The next piece is read into the same memory.
    first.push(Uint8Array.from(value))
  }
  return { begin: Buffer.concat(first, length), rest, wrapper: wrapper?.name }
}

/** Takes off what a file is packed in, layer by layer. */
async function unwrapAll(
  packed: AsyncGenerator<Uint8Array>,
  outer: Wrapper,
  name: string,
  size: number,
): Promise<AsyncIterator<Uint8Array>> {
  let rest = unwrap(packed, outer, name, size)
  for (let layers = 1; layers < MOST_LAYERS; layers++) {
    const input = new PackedInput(rest)
    const wrapper = wrapperOf(await input.peek(4))
    rest = wrapper === undefined ? input.pieces() : unwrap(input.pieces(), wrapper, name, size)
    if (wrapper === undefined) break
  }
  return rest
}

async function* piecesOf(file: FileHandle, size: number, onProgress: Progress): AsyncGenerator<Uint8Array> {
  // To know what a file is takes its first bytes alone.
  let buffer = Buffer.allocUnsafeSlow(Math.min(HEAD, size))
  for (let done = 0; ; ) {
    const { bytesRead } = await file.read(buffer, 0, buffer.length, done)
    if (bytesRead === 0) return
    for (let at = 0; at < bytesRead; at += PIECE) {
      const piece = buffer.subarray(at, Math.min(at + PIECE, bytesRead))
      yield piece
      done += piece.length
      onProgress(Math.min(done, size), size)
    }
    if (buffer.length === HEAD) buffer = Buffer.allocUnsafeSlow(Math.min(FETCHED, size))
  }
}
