import type { Cpu, Ns, Pages } from '#kernel'
import { highAfter, type TickLine } from './tick-search.ts'

/** So many ticks ran on a CPU after one moment and up to another, as what they did to `high` proves. */
export interface TickWindow {
  readonly cpu: Cpu
  readonly from: Ns
  readonly to: Ns
  readonly ticks: number
}

/** Decays of `high` that are distinguished: each takes an eighth. */
const MOST_DECAYS = 4

/**
 * Learns when ticks ran from bulk frees that show where `high` is: as often as it was lowered by an eighth since it was last known, so many
 * ticks ran. Refills raise it in between, so that a tick right after the first moment lowers it by less than one right before the second, and
 * by nothing where they bring it back to its bound.
 */
export class TickEvidence {
  readonly windows: TickWindow[] = []

  /** It may be as believed, `fits` where it may be, without a tick since it was last known: none ran, if one would show wherever it fell. */
  confirmed(cpu: Cpu, line: TickLine, fits: (high: Pages) => boolean, time: Ns): void {
    if (line.ticks.length > 0 || !fits(highAfter(line, []))) return
    for (let place = 0; place <= line.raises.length; place++) if (fits(highAfter(line, [place]))) return
    this.windows.push({ cpu, from: line.since, to: time, ticks: 0 })
  }

  /** It is lower than believed: `fits` where it may be. Returns whether ticks explain it. */
  lowered(cpu: Cpu, line: TickLine, fits: (high: Pages) => boolean, time: Ns): boolean {
    const { raises, timeOf } = line
    const places = raises.map((_, place) => place).concat(raises.length)
    for (let ticks = 1; ticks <= MOST_DECAYS; ticks++) {
      // Where all of them may have run at once.
      const at = places.filter((place) => fits(allAt(line, ticks, place)))
      const spans = ticks > 1 && fitsBetween(line, ticks, fits)
      if (at.length === 0 && !spans) continue
      // At its lower bound it may have been lowered more often.
      if (fits(line.bounds.highMin) && time - line.since > 1e9) return true
      const [first, last] = ticks === 1 ? [at[0]!, at.at(-1)!] : [0, raises.length]
      const from = first === 0 ? line.since : timeOf(raises[first - 1]!.entry)
      const to = last === raises.length ? time : timeOf(raises[last]!.entry)
      this.windows.push({ cpu, from, to, ticks })
      return true
    }
    return false
  }
}

/** `high` at the end if so many ticks ran before one refill. */
const allAt = (line: TickLine, ticks: number, place: number): Pages =>
  highAfter(line, new Array<number>(ticks).fill(place))

/** Whether so many ticks, each somewhere, lower `high` to where it may be: no further than all at the end, at least as far as all at the start. */
function fitsBetween(line: TickLine, ticks: number, fits: (high: Pages) => boolean): boolean {
  const [one, other] = [allAt(line, ticks, 0), allAt(line, ticks, line.raises.length)]
  for (let high = Math.min(one, other); high <= Math.max(one, other); high++) if (fits(high)) return true
  return false
}
