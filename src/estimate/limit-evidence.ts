import type { Pages } from '#kernel'
import type { Belief } from './belief.ts'

/** One time that the record shows `high` of a pageset. */
export interface HighShown {
  readonly pset: number
  readonly high: Pages
  /** Number of refills and ticks of the pageset before. Two with the same number show the same `high`. */
  readonly episode: number
  /** Whether all pages of the pageset were known; if not, `high` is this or more. */
  readonly isExact: boolean
}

/** Where the record first shows `high` of a pageset. `moves`: what moved it before that, in order: pages a refill asked for, or 0 for a tick. */
export interface HighBegun {
  readonly high: Pages
  readonly moves: readonly Pages[]
}

/** Pages from before the trace that have come to light on a pageset. */
export function surfacedOn(belief: Belief, pset: number): Pages {
  const base = pset * belief.perSet
  return belief.initial[pset]!.reduce((pages, blocks, list) => pages + (blocks << belief.orderOf(base + list)), 0)
}

/** Collects what the record shows of `high`, for captures of which no file tells its bounds. */
export class LimitEvidence {
  readonly #belief: Belief
  readonly #seen: (HighShown & { readonly surfaced: Pages })[] = []
  readonly #episodes: Int32Array
  /** By pageset: what moved `high` before the record first showed it. */
  readonly #begun: { moves: Pages[]; at: number }[]

  constructor(belief: Belief) {
    this.#belief = belief
    this.#episodes = new Int32Array(belief.psets.length)
    this.#begun = belief.psets.map(() => ({ moves: [], at: -1 }))
  }

  /** A refill that asks for `pages`, or a tick (0), may move `high` of a pageset. */
  moves(pset: number, pages: Pages): void {
    this.#episodes[pset]!++
    const begun = this.#begun[pset]!
    if (begun.at < 0) begun.moves.push(pages)
  }

  /** `high` of a pageset is now `beyond` pages above the known count of its lists. */
  reached(pset: number, beyond: Pages): void {
    const isExact = this.#belief.allKnown(pset)
    const begun = this.#begun[pset]!
    if (begun.at < 0) begun.at = this.#seen.length
    this.#seen.push({
      pset,
      high: this.#belief.knownPages(pset) + beyond,
      episode: this.#episodes[pset]!,
      isExact,
      surfaced: isExact ? 0 : surfacedOn(this.#belief, pset),
    })
  }

  /** By pageset: how `high` came to where the record first shows it; undefined where it never does. */
  get begun(): readonly (HighBegun | undefined)[] {
    const { all } = this
    return this.#begun.map(({ moves, at }) => (at < 0 ? undefined : { high: all[at]!.high, moves }))
  }

  /** All evidence, to be asked for after the trace has ended: pages from before the trace that surfaced later are added to earlier counts. */
  get all(): readonly HighShown[] {
    return this.#seen.map(({ surfaced, ...shown }) =>
      shown.isExact ? shown : { ...shown, high: shown.high + surfacedOn(this.#belief, shown.pset) - surfaced },
    )
  }
}
