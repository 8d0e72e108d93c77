import { PADDING } from '../byte-memo.ts'

const NEWLINE = 0x0a
const TAB = 0x09
const RETURN = 0x0d
const SPACE = 0x20
/** Longer lines are damage: they are counted and not read. */
export const LONGEST_LINE = 64 * 1024
const WINDOW = 1 << 18
/** Behind the window there is room for one line that is put together of several. */
export const SCRATCH = WINDOW

/** Bytes that may stand behind a line and are no part of it. */
export const isEnd = (byte: number): boolean => byte === RETURN || byte === TAB

/** Who takes the lines. */
export interface LineSink {
  /** A line in the window, without its end. `ended`: whether it has one, or the text breaks off there. */
  readLine(from: number, to: number, ended: boolean): void
  skipLongLine(): void
}

/** The first control byte from there on, such as the line's end. */
export function controlFrom(bytes: Uint8Array, from: number): number {
  let at = from
  while (bytes[at]! >= SPACE) at++
  return at
}

/** Lines of a text that comes in pieces of any size. Those in hand stand in one window of bytes, which never changes its place. */
export class Lines {
  readonly bytes = new Uint8Array(WINDOW + LONGEST_LINE + PADDING)
  /** The same: a Buffer looks for a byte several times faster. */
  readonly #buffer = Buffer.from(this.bytes.buffer)
  #end = 0
  /** Whether the head of an overlong line is gone already. */
  #isLong = false

  /** Takes the next piece; `last` where no more will come. */
  push(piece: Uint8Array, sink: LineSink, last = false): void {
    let at = 0
    do {
      const part = piece.subarray(at, at + WINDOW - this.#end)
      this.bytes.set(part, this.#end)
      this.#end += part.length
      at += part.length
      this.#drain(sink, last && at === piece.length)
    } while (at < piece.length)
  }

  #drain(sink: LineSink, last: boolean): void {
    const { bytes } = this
    const end = this.#end
    const text = this.#buffer.subarray(0, end)
    let from = 0
    while (from < end) {
      const newline = text.indexOf(NEWLINE, from)
      if (newline < 0 && !last) break
      this.#give(sink, from, newline < 0 ? end : newline, newline >= 0)
      from = newline < 0 ? end : newline + 1
    }
    if (last && this.#isLong) sink.skipLongLine()
    // What is left is the begin of a line, or lines that may still change: more of them than this can't be.
    if (this.#end - from > WINDOW / 2) {
      this.#isLong = true
      from = this.#end
    }
    bytes.copyWithin(0, from, this.#end)
    this.#end -= from
  }

  #give(sink: LineSink, from: number, newline: number, ended: boolean): void {
    if (this.#isLong || newline - from > LONGEST_LINE) sink.skipLongLine()
    else {
      let to = newline
      while (to > from && isEnd(this.bytes[to - 1]!)) to--
      sink.readLine(from, to, ended)
    }
    this.#isLong = false
  }
}
