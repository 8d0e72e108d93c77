import type { Ns } from '#kernel'

/** Blocks that are allocated, in order of birth; gives out the one born nearest to a moment. */
export class LiveBlocks {
  readonly #births: number[] = []
  readonly #blocks: number[] = []
  /** By place, from 1: the place itself while its block lives, else one nearer to a live one. 0 and the last stand for none. */
  readonly #below: number[] = [0]
  readonly #above: number[] = [0, 1]
  size = 0

  /** Births must come in order. */
  add(block: number, birth: Ns): void {
    const place = this.#births.push(birth)
    this.#blocks.push(block)
    this.#below.push(place)
    this.#above.push(place + 1)
    this.size++
  }

  /** Takes out the block born nearest to `birth`; undefined where none lives. */
  take(birth: Ns): number | undefined {
    if (this.size === 0) return undefined
    let [low, high] = [0, this.#births.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#births[middle]! < birth) low = middle + 1
      else high = middle
    }
    const below = find(this.#below, low)
    const above = find(this.#above, low + 1)
    const isBelow =
      above > this.#births.length || (below > 0 && birth - this.#births[below - 1]! < this.#births[above - 1]! - birth)
    const place = isBelow ? below : above
    this.#below[place] = place - 1
    this.#above[place] = place + 1
    this.size--
    return this.#blocks[place - 1]!
  }
}

/** Where `place` leads to; shortens the way for the next. */
function find(next: number[], place: number): number {
  let end = place
  while (next[end]! !== end) end = next[end]!
  for (let at = place; at !== end; ) {
    const after = next[at]!
    next[at] = end
    at = after
  }
  return end
}
