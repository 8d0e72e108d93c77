import type { Pages } from '#kernel'
import type { Belief } from './belief.ts'

/** The record shows where `high` of a pageset is. */
export interface HighShown {
  readonly pset: number
  readonly high: Pages
  /** Refills and ticks of the pageset before this: with the same number, nothing can have moved `high` between. */
  readonly episode: number
  /** Whether all pages of the pageset were known; else there may have been more, and `high` above this. */
  readonly isExact: boolean
}

/** Collects what the record shows of `high`, for captures of which no file tells its bounds. */
export class LimitEvidence {
  readonly #belief: Belief
  readonly #seen: (HighShown & { readonly surfaced: Pages })[] = []
  readonly #episodes: Int32Array

  constructor(belief: Belief) {
    this.#belief = belief
    this.#episodes = new Int32Array(belief.psets.length)
  }

  /** Something that may move `high` happens to a pageset. */
  moves(pset: number): void {
    this.#episodes[pset]!++
  }

  /** A pageset is at `high`, `beyond` pages above what is known to lie on its lists now. */
  reached(pset: number, beyond: Pages): void {
    const isExact = this.#belief.allKnown(pset)
    this.#seen.push({
      pset,
      high: this.#belief.knownPages(pset) + beyond,
      episode: this.#episodes[pset]!,
      isExact,
      surfaced: isExact ? 0 : this.#belief.surfaced(pset),
    })
  }

  /** All of it, once the trace has ended: what surfaced later lay there before. */
  get all(): readonly HighShown[] {
    return this.#seen.map(({ surfaced, ...shown }) =>
      shown.isExact ? shown : { ...shown, high: shown.high + this.#belief.surfaced(shown.pset) - surfaced },
    )
  }
}
