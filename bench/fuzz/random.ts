/** Numbers for mutations: mulberry32, so that a run is repeated by its seed. */
export class Dice {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** 0 … 2³² − 1 */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let t = this.#state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return (t ^ (t >>> 14)) >>> 0
  }

  /** 0 … below − 1 */
  below(below: number): number {
    return below <= 1 ? 0 : this.next() % below
  }

  of<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!
  }
}
