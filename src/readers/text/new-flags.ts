import { freeGfpBits, type Release } from '#kernel'

/** Gfp flags that the kernel's table lacks. Each has a bit of its own in this recording, as long as there are free ones. */
export class NewFlags {
  readonly #free: number[]
  readonly #bits = new Map<string, number>()

  constructor(release: Release | undefined) {
    this.#free = freeGfpBits(release)
  }

  /** 0 where all bits are taken. */
  bitOf(name: string): number {
    const known = this.#bits.get(name)
    if (known !== undefined) return known
    const bit = this.#free.shift() ?? 0
    if (bit !== 0) this.#bits.set(name, bit)
    return bit
  }

  /** By name; undefined where none was met. */
  get names(): Readonly<Record<string, number>> | undefined {
    return this.#bits.size === 0 ? undefined : Object.fromEntries(this.#bits)
  }
}
