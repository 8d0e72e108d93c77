/** Memory that a capture takes while it is read and replayed, for each of its bytes on disk; compressed traces unfold that far. */
export const MEMORY_FACTOR = 30

/** Lets captures in as long as they fit into memory together, and one at least. */
export class MemoryGate {
  readonly #most: number
  #taken = 0
  readonly #waiting: (() => void)[] = []

  constructor(most: number) {
    this.#most = most
  }

  async within<T>(bytes: number, work: () => Promise<T>): Promise<T> {
    const size = bytes * MEMORY_FACTOR
    while (this.#taken > 0 && this.#taken + size > this.#most)
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    this.#taken += size
    try {
      return await work()
    } finally {
      this.#taken -= size
      for (const wake of this.#waiting.splice(0)) wake()
    }
  }
}
