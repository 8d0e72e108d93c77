/** Turns the bytes of a file into the text that they stand for, piece by piece. */
export interface Decoder {
  push(piece: Uint8Array): Uint8Array
  /** What was kept back. */
  end(): Uint8Array
  /** Lines that were put together of several, beyond the first of each. */
  readonly joins: number
}

/** Longer lines are handed on in parts. */
const LONGEST = 1 << 16

/** A decoder that takes a text line by line, as latin1, each with its end. */
export abstract class LineDecoder implements Decoder {
  joins = 0
  #rest = ''

  /** What a line stands for, which may be nothing yet. */
  protected abstract line(line: string): string

  /** What is left at the end. */
  protected last(): string {
    return ''
  }

  push(piece: Uint8Array): Uint8Array {
    const text = this.#rest + Buffer.from(piece.buffer, piece.byteOffset, piece.length).toString('latin1')
    const out: string[] = []
    let from = 0
    for (let newline = text.indexOf('\n'); newline >= 0; newline = text.indexOf('\n', from)) {
      out.push(this.line(text.slice(from, newline + 1)))
      from = newline + 1
    }
    this.#rest = text.slice(from)
    if (this.#rest.length > LONGEST) {
      out.push(this.line(this.#rest))
      this.#rest = ''
    }
    return Buffer.from(out.join(''), 'latin1')
  }

  end(): Uint8Array {
    const line = this.#rest === '' ? '' : this.line(this.#rest)
    this.#rest = ''
    return Buffer.from(line + this.last(), 'latin1')
  }
}

/** One decoder behind the other. */
export function chained(decoders: readonly Decoder[]): Decoder | undefined {
  const [first, ...others] = decoders
  if (first === undefined) return undefined
  const next = chained(others)
  if (next === undefined) return first
  return {
    push: (piece) => next.push(first.push(piece)),
    end: () => Buffer.concat([next.push(first.end()), next.end()]),
    get joins() {
      return first.joins + next.joins
    },
  }
}
