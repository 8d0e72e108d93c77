import type { Demand, Pacing } from '#events/demand'
import type { Pages } from '#kernel'
import { type ListRules, PCP_BATCH_SCALE_MAX, type Pcp, type ZoneFlags } from '#policies/pcp'
import type { Script } from '#record'
import { pagesets } from '#sim'
import { ownPolicy } from './inferred.ts'
import { firstWhere } from './invert.ts'
import { type PagesetTape, pagesetTapes, Step } from './pageset-tapes.ts'
import { remotePsets } from './remote-psets.ts'

/** How a pageset began: what lay on its lists, and its pacing. */
export interface PagesetStart {
  readonly count: Pages
  readonly pacing: Partial<Pacing>
}

/** No pageset holds more pages. */
const MOST_PAGES = 1 << 22

/** How often a start is corrected; each time it explains more of the record. */
const MOST_CHANGES = 8

/** A tape under the rules of the recording kernel. */
export class Trial {
  readonly #tape: PagesetTape
  readonly #rules: ListRules
  readonly #flags: ZoneFlags
  /** Whether a tick may give back a batch that the rules know nothing of. */
  readonly #expires: boolean

  constructor(tape: PagesetTape, rules: ListRules, flags: ZoneFlags, expires: boolean) {
    this.#tape = tape
    this.#rules = rules
    this.#flags = flags
    this.#expires = expires
  }

  /** Steps that a start explains, before the first that it does not. */
  explained(start: Pcp): number {
    return this.#follow(start, this.#tape.step.length, true).steps
  }

  /** What the rules come to at a step, if what came before was as recorded, whatever they say of it; pages. */
  at(step: number, start: Pcp): Pages {
    return this.#follow(start, step + 1, false).pages
  }

  #follow(start: Pcp, until: number, stops: boolean): { steps: number; pages: Pages } {
    const { step, order, pages, beyond } = this.#tape
    const pcp = start.clone()
    let said = 0
    for (let at = 0; at < until; at++) {
      const recorded = pages[at]!
      said = this.#says(pcp, step[at]!, order[at]!, recorded)
      const fits = said === recorded || (said > 0 && said < recorded && recorded <= said + beyond[at]!)
      if (stops && !fits) return { steps: at, pages: said }
    }
    return { steps: until, pages: said }
  }

  #says(pcp: Pcp, step: number, order: number, recorded: Pages): Pages {
    const rules = this.#rules
    switch (step) {
      case Step.alloc:
        rules.onAlloc(pcp)
        pcp.count -= 1 << order
        return 0
      case Step.refill: {
        const said = rules.nrAlloc(pcp, order, this.#flags) << order
        pcp.count += recorded
        return said
      }
      case Step.gone:
        pcp.count -= recorded
        return recorded
      case Step.tick: {
        const said = Math.min(rules.onTick?.(pcp) ?? 0, pcp.count)
        pcp.count -= recorded
        return this.#expires && recorded <= said + pcp.batch ? recorded : said
      }
      default: {
        pcp.count += 1 << order
        const said = Math.min(rules.nrFree(pcp, order, this.#flags), pcp.count)
        pcp.count -= recorded
        return said
      }
    }
  }

  /** Starts near one with which a step may be as recorded, or the next one that shows anything. */
  *putRight(step: number, start: Pcp): Generator<Pcp> {
    yield* this.#near(step, start)
    const { step: does, pages } = this.#tape
    const next = pages.findIndex((some, at) => at > step && some > 0 && does[at] !== Step.gone)
    if (next >= 0 && pages[step] === 0) yield* this.#near(next, start)
  }

  *#near(step: number, start: Pcp): Generator<Pcp> {
    const { highMin, highMax, batch } = start
    const isRefill = this.#tape.step[step] === Step.refill
    for (let factor = 0; factor <= PCP_BATCH_SCALE_MAX; factor++) {
      const paced = changed(start, isRefill ? { allocFactor: factor } : { freeFactor: factor })
      yield paced
      for (const one of this.#reached(step, MOST_PAGES, (count) => changed(paced, { count }))) {
        yield one
        if (!isRefill)
          yield* this.#reached(step, batch << PCP_BATCH_SCALE_MAX, (freeCount) => changed(one, { freeCount }))
      }
      if (!isRefill)
        yield* this.#reached(step, batch << PCP_BATCH_SCALE_MAX, (freeCount) => changed(paced, { freeCount }))
      if (highMin < highMax)
        yield* this.#reached(step, highMax - highMin, (less) => changed(paced, { high: highMax - less }))
    }
  }

  /**
   * Where, as `value` grows, a step first comes to what was recorded, or the last at which nothing happens there. What is given back grows
   * with the count, and with free_count; what is fetched shrinks with the count.
   */
  *#reached(step: number, most: number, startWith: (value: number) => Pcp): Generator<Pcp> {
    const recorded = this.#tape.pages[step]!
    const isRefill = this.#tape.step[step] === Step.refill
    for (const least of isRefill || recorded <= 1 ? [recorded] : [1, recorded]) {
      const first = firstWhere(0, most, (value) => {
        const said = this.at(step, startWith(value))
        return isRefill ? said <= least : said >= Math.max(1, least)
      })
      if (first === undefined) continue
      if (isRefill || recorded > 0) yield startWith(first)
      else if (first > 0) yield startWith(first - 1)
    }
  }
}

const changed = (start: Pcp, change: Partial<Pcp>): Pcp => Object.assign(start.clone(), change)

/** The start that explains most of a tape: from a guess on, as long as a change explains more. `steps`: all of them. */
export function startOf(trial: Trial, guess: Pcp, steps: number): Pcp {
  let best = { start: guess, steps: trial.explained(guess) }
  for (let changes = 0; changes < MOST_CHANGES && best.steps < steps; changes++) {
    const from = best
    for (const start of trial.putRight(from.steps, from.start)) {
      const explains = trial.explained(start)
      if (explains > best.steps) best = { start, steps: explains }
    }
    if (best === from) break
  }
  return best.start
}

/**
 * By pageset: how it began, as the first refills and bulk frees of a recording prove it. A state that explains no more of them than
 * `counts` with no pacing at all is not taken.
 */
export function pagesetStartsOf(script: Script, demand: Demand, counts: readonly Pages[]): PagesetStart[] {
  const { rules, pcps } = pagesets(script, ownPolicy(script))
  const remote = remotePsets(script)
  return pagesetTapes(script, demand, rules).map((tape, pset) => {
    const { free, high } = script.zones[pset % rules.length]!
    const flags = { reclaimActive: false, belowHigh: script.machine.zones.length > 0 && free <= high }
    const guess = Object.assign(pcps[pset]!, { count: counts[pset]! })
    const start = startOf(
      new Trial(tape, rules[pset % rules.length]!, flags, remote[pset] === 1),
      guess,
      tape.step.length,
    )
    const { count, allocFactor, freeFactor, freeCount } = start
    const pacing = { allocFactor, freeFactor, freeCount, ...(start.high === guess.high ? {} : { high: start.high }) }
    return { count, pacing }
  })
}
