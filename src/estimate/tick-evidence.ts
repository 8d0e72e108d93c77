import type { Cpu, Ns } from '#kernel'
import type { PagesetBelief } from './pageset-belief.ts'

/** So many ticks ran on a CPU after one moment and up to another, as what they did to `high` proves. */
export interface TickWindow {
  readonly cpu: Cpu
  readonly from: Ns
  readonly to: Ns
  readonly ticks: number
}

/** Decays of `high` that are distinguished: each takes an eighth. */
const MOST_DECAYS = 4

/** decay_pcp_high(), mm/page_alloc.c, v6.12 to v7.2. */
const decayed = (high: number, ticks: number): number => {
  let left = high
  for (let tick = 0; tick < ticks; tick++) left -= left >> 3
  return left
}

/**
 * Learns when ticks ran from bulk frees that show where `high` is: as often as it was lowered by an eighth since it was last known, so many
 * ticks ran. Refills raise it in between, so that a tick right after the first moment lowers it by less than one right before the second.
 */
export class TickEvidence {
  readonly windows: TickWindow[] = []
  readonly #at: Float64Array
  readonly #high: Int32Array

  constructor(psets: number) {
    this.#at = new Float64Array(psets).fill(Number.NaN)
    this.#high = new Int32Array(psets)
  }

  /** `high` of a pageset is known now. */
  known({ pset, pcp }: PagesetBelief, time: Ns): void {
    this.#at[pset] = time
    this.#high[pset] = pcp.high
  }

  /** It is as believed, so no tick ran since it was last known. */
  confirmed(set: PagesetBelief, believed: number, time: Ns): void {
    if (!Number.isNaN(this.#at[set.pset]!) && believed > set.pcp.highMin) this.#push(set, time, 0)
    this.known(set, time)
  }

  /** It is lower than believed. Returns whether ticks explain it. */
  lowered(set: PagesetBelief, believed: number, shown: number, time: Ns): boolean {
    const from = this.#at[set.pset]!
    if (Number.isNaN(from)) return false
    for (let ticks = 1; ticks <= MOST_DECAYS; ticks++) {
      const least = Math.max(decayed(believed, ticks), set.pcp.highMin)
      const start = this.#high[set.pset]!
      const most = Math.max(believed - (start - decayed(start, ticks)), set.pcp.highMin)
      if (shown < least || shown > Math.max(least, most)) continue
      // At its lower bound it may have been lowered more often.
      if (shown === set.pcp.highMin && time - from > 1e9) return true
      this.#push(set, time, ticks)
      return true
    }
    return false
  }

  #push({ pset, cpu }: PagesetBelief, to: Ns, ticks: number): void {
    this.windows.push({ cpu, from: this.#at[pset]!, to, ticks })
  }
}
