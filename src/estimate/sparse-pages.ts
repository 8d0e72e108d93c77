/** Numbers by page, 0 to begin with. Takes memory only where something was written. */
export class SparsePages {
  readonly #chunks: (Uint32Array | undefined)[]

  constructor(size: number) {
    this.#chunks = new Array(Math.ceil(size / CHUNK))
  }

  get(page: number): number {
    return this.#chunks[Math.trunc(page / CHUNK)]?.[page % CHUNK] ?? 0
  }

  set(page: number, value: number): void {
    const number = Math.trunc(page / CHUNK)
    let chunk = this.#chunks[number]
    if (chunk === undefined) {
      chunk = new Uint32Array(CHUNK)
      this.#chunks[number] = chunk
    }
    chunk[page % CHUNK] = value
  }

  fill(value: number, from: number, to: number): void {
    for (let page = from; page < to; page++) this.set(page, value)
  }
}

const CHUNK = 4096
