/** Numbers by page, 0 to begin with. Takes memory only where something was written. */
export class SparsePages {
  readonly #chunks: (Uint32Array | undefined)[]

  constructor(size: number) {
    this.#chunks = new Array(Math.ceil(size / CHUNK))
  }

  get(page: number): number {
    return this.#chunks[page >>> SHIFT]?.[page & (CHUNK - 1)] ?? 0
  }

  set(page: number, value: number): void {
    const number = page >>> SHIFT
    let chunk = this.#chunks[number]
    if (chunk === undefined) {
      chunk = new Uint32Array(CHUNK)
      this.#chunks[number] = chunk
    }
    chunk[page & (CHUNK - 1)] = value
  }

  fill(value: number, from: number, to: number): void {
    for (let page = from; page < to; page++) this.set(page, value)
  }
}

const SHIFT = 12
const CHUNK = 1 << SHIFT
