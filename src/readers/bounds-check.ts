import { type BoundCause, boundNotices, type Events, type ValueBounds, withinBounds } from '#events'
import { Tally, type TallyEntry } from '#kernel/messages'

/** Leaves out of a trace what no machine can have recorded, and counts it by cause. */
export class BoundsCheck {
  readonly #file: string
  readonly #tally = new Tally<BoundCause>(boundNotices)

  constructor(file: string) {
    this.#file = file
  }

  /** The events that can be; `before` came in earlier batches. */
  keep(events: Events, bounds: ValueBounds, before = 0): Events {
    return withinBounds(events, bounds, (cause, row) =>
      this.#tally.count(cause, { file: this.#file, event: before + row + 1 }),
    )
  }

  get total(): number {
    return this.#tally.total
  }

  entries(): TallyEntry[] {
    return this.#tally.entries()
  }
}
