import { TraceError } from '#kernel/messages'

const BLOCK = 512
/** Captures have some twenty files. */
const MOST_ENTRIES = 4096
/** Of a name, or of the records in which pax keeps one. */
const MOST_NAME = 1 << 16

/** A regular file in a tar; `body` must be read to its end before the next entry is asked for. */
export interface TarEntry {
  readonly name: string
  readonly size: number
  readonly body: AsyncGenerator<Uint8Array>
}

/** Whether a file begins like a tar: POSIX (ustar, pax) and GNU tars have this mark. */
export const isTar = (head: Uint8Array): boolean =>
  head.length >= BLOCK && Buffer.from(head.subarray(257, 262)).toString('latin1') === 'ustar'

interface Header {
  readonly name: string
  readonly size: number
  readonly type: string
}

/** The regular files of a tar, in order. Links and devices are passed over. @throws TraceError where it is damaged or cut short */
export async function* tarEntries(pieces: AsyncIterable<Uint8Array>, file: string): AsyncGenerator<TarEntry> {
  const input = new Input(pieces, file)
  let longName: string | undefined
  for (let entries = 0; ; entries++) {
    if (entries > MOST_ENTRIES) throw damaged(file, `holds more than ${MOST_ENTRIES} entries`)
    const block = await input.take(BLOCK)
    // Two blocks of zeros end a tar; some programs write one, or none.
    if (block === undefined || block.every((byte) => byte === 0)) return
    const { name, size, type } = headerOf(block, file)
    const filled = Math.ceil(size / BLOCK) * BLOCK
    if (type === 'L' || type === 'x') {
      if (size > MOST_NAME) throw damaged(file, `has a name of ${size} bytes`)
      const body = (await input.need(filled, 'a long name')).subarray(0, size)
      longName = type === 'L' ? text(body) : (paxPath(Buffer.from(body).toString('utf8')) ?? longName)
      continue
    }
    const body = input.body(size, filled, longName ?? name)
    if (type === '0' || type === '\0' || type === '7') yield { name: longName ?? name, size, body }
    // What nobody read.
    for await (const _ of body);
    longName = undefined
  }
}

const damaged = (file: string, what: string): TraceError =>
  new TraceError({ place: { file }, what: `the tar ${what}`, hint: 'Is it whole? Unpack it, and give the folder.' })

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8').split('\0', 1)[0] ?? ''

function headerOf(block: Uint8Array, file: string): Header {
  const sum = block.reduce((all, byte, at) => all + (at >= 148 && at < 156 ? 0x20 : byte), 0)
  if (sum !== octal(block.subarray(148, 156))) throw damaged(file, 'is damaged: a header has a wrong checksum')
  const size = sizeOf(block.subarray(124, 136))
  if (size === undefined) throw damaged(file, 'is damaged: a header has no size')
  const type = String.fromCharCode(block[156]!)
  const prefix = isTar(block) ? text(block.subarray(345, 500)) : ''
  const name = text(block.subarray(0, 100))
  return { name: prefix === '' ? name : `${prefix}/${name}`, size, type }
}

const octal = (bytes: Uint8Array): number | undefined => {
  const [, digits] = /^ *([0-7]+)/.exec(Buffer.from(bytes).toString('latin1')) ?? []
  return digits === undefined ? undefined : Number.parseInt(digits, 8)
}

/** Octal, or with the first bit set the number itself, as GNU writes sizes of 8 GiB and above. */
function sizeOf(bytes: Uint8Array): number | undefined {
  if ((bytes[0]! & 0x80) === 0) return octal(bytes)
  const size = bytes.subarray(1).reduce((all, byte) => all * 256 + byte, bytes[0]! & 0x7f)
  return Number.isSafeInteger(size) ? size : undefined
}

/** `"27 path=a/long/name\n"` among other records. */
function paxPath(records: string): string | undefined {
  const [, path] = /^\d+ path=(.*)$/m.exec(records) ?? []
  return path
}

/** Pieces as blocks. */
class Input {
  readonly #pieces: AsyncIterator<Uint8Array>
  readonly #file: string
  #piece: Uint8Array = new Uint8Array(0)

  constructor(pieces: AsyncIterable<Uint8Array>, file: string) {
    this.#pieces = pieces[Symbol.asyncIterator]()
    this.#file = file
  }

  /** Up to so many bytes; undefined at the end. */
  async #some(most: number): Promise<Uint8Array | undefined> {
    while (this.#piece.length === 0) {
      const { value, done } = await this.#pieces.next()
      if (done === true) return undefined
      this.#piece = value
    }
    const taken = this.#piece.subarray(0, most)
    this.#piece = this.#piece.subarray(taken.length)
    return taken
  }

  /** So many bytes; undefined where nothing is left. */
  async take(size: number): Promise<Uint8Array | undefined> {
    const taken = new Uint8Array(size)
    for (let at = 0; at < size; ) {
      const some = await this.#some(size - at)
      if (some === undefined) {
        if (at === 0) return undefined
        throw damaged(this.#file, 'is cut short within a header')
      }
      taken.set(some, at)
      at += some.length
    }
    return taken
  }

  async need(size: number, what: string): Promise<Uint8Array> {
    const taken = size === 0 ? new Uint8Array(0) : await this.take(size)
    if (taken === undefined) throw damaged(this.#file, `is cut short within ${what}`)
    return taken
  }

  /** The bytes of a file; what fills up its last block is passed over. */
  async *body(size: number, filled: number, name: string): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < filled; ) {
      const some = await this.#some(filled - at)
      if (some === undefined) throw damaged(this.#file, `is cut short within ${name}`)
      if (at < size) yield some.subarray(0, size - at)
      at += some.length
    }
  }
}
