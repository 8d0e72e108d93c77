import type { Events } from '#events'

/** When RCU's grace periods began and ended, ns, in order. */
export class GracePeriodTracker {
  readonly start: number[] = []
  readonly end: number[] = []
  readonly #gpevent: Uint32Array
  readonly #startName: number
  readonly #endName: number

  constructor({ tables, strings }: Events) {
    this.#gpevent = tables.rcu_grace_period.column.gpevent.data
    this.#startName = strings.find('start') ?? -1
    this.#endName = strings.find('end') ?? -1
  }

  event(slot: number, time: number): void {
    const event = this.#gpevent[slot]
    if (event === this.#startName) this.start.push(time)
    else if (event === this.#endName && this.end.length < this.start.length) this.end.push(time)
  }
}
