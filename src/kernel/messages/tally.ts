import { formatPlace, type Place } from './error.ts'

export interface Notice {
  /** note: nothing is lost; data-loss: events are missing; error: input that could not be understood. */
  readonly level: 'note' | 'data-loss' | 'error'
  /** What it is, and what it does to the conclusion. */
  readonly help: string
}

export interface TallyEntry extends Notice {
  readonly cause: string
  readonly count: number
  /** The first place seen. */
  readonly first?: string
}

/** Counts what a reader skipped or a replay could not use, by cause. Closed under its list of causes. */
export class Tally<Cause extends string = string> {
  readonly #notices: Readonly<Record<Cause, Notice>>
  readonly #counts = new Map<Cause, { count: number; first: Place | undefined }>()

  constructor(notices: Readonly<Record<Cause, Notice>>) {
    this.#notices = notices
  }

  count(cause: Cause, place?: Place, times = 1): void {
    const entry = this.#counts.get(cause)
    if (entry === undefined) this.#counts.set(cause, { count: times, first: place })
    else entry.count += times
  }

  of(cause: Cause): number {
    return this.#counts.get(cause)?.count ?? 0
  }

  get total(): number {
    let sum = 0
    for (const { count } of this.#counts.values()) sum += count
    return sum
  }

  entries(): TallyEntry[] {
    return [...this.#counts].map(([cause, { count, first }]) => ({
      cause,
      count,
      ...this.#notices[cause],
      ...(first === undefined ? {} : { first: formatPlace(first) }),
    }))
  }
}
