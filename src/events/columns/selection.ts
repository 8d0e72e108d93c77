import { type EventBuilder, type Events, nameOf, selectEvents } from '../events.ts'
import { kindNames, recordedName } from '../kinds.ts'

const usualNames = kindNames.map(recordedName)

/** What of a trace is wanted; absent is all. */
export interface Wanted {
  /** Seconds of the trace's clock; `to` is the first moment no longer wanted. */
  readonly from?: number | undefined
  readonly to?: number | undefined
  readonly cpus?: readonly number[] | undefined
  /** Names as recorded. A loss is no event of any name and stays, or the result would look whole. */
  readonly names?: readonly string[] | undefined
}

/** Picks the wanted events as they are read, and keeps in mind what the trace holds. */
export class Selection {
  readonly #wanted: Wanted
  readonly #names: ReadonlySet<string> | undefined
  readonly #cpus = new Uint8Array(0x10000)
  readonly #kinds = new Uint8Array(kindNames.length)
  readonly #otherNames = new Set<string>()
  #zero = 0
  #first = Number.POSITIVE_INFINITY
  #last = Number.NEGATIVE_INFINITY
  /** Events met, wanted or not. */
  read = 0

  constructor(wanted: Wanted) {
    this.#wanted = wanted
    this.#names = wanted.names === undefined ? undefined : new Set(wanted.names)
  }

  /** Times of the first and the last event met, seconds of the trace's clock; undefined where none was. */
  get span(): { readonly from: number; readonly to: number } | undefined {
    if (this.read === 0) return undefined
    const seconds = (ns: number): number => this.#zero + ns / 1e9
    return { from: seconds(this.#first), to: seconds(this.#last) }
  }

  /** CPUs that events were met on. */
  get cpus(): number[] {
    return [...this.#cpus.keys()].filter((cpu) => this.#cpus[cpu] === 1)
  }

  /** Names of the events met, as recorded. */
  get names(): string[] {
    const usual = usualNames.filter((name, kind) => name !== undefined && this.#kinds[kind] === 1)
    return [...new Set([...usual, ...this.#otherNames])].sort() as string[]
  }

  keeps(
    at: Pick<Events, 'tables' | 'strings' | 'zero'>,
    time: number,
    cpu: number,
    kind: number,
    slot: number,
  ): boolean {
    this.read++
    this.#cpus[cpu] = 1
    this.#zero = at.zero
    if (time < this.#first) this.#first = time
    if (time > this.#last) this.#last = time
    const { from, to, cpus } = this.#wanted
    const name = this.#meet(at, kind, slot)
    return (
      (from === undefined || time >= (from - at.zero) * 1e9) &&
      (to === undefined || time < (to - at.zero) * 1e9) &&
      (cpus === undefined || cpus.includes(cpu)) &&
      (this.#names === undefined || name === undefined || this.#names.has(name))
    )
  }

  /** For an `EventBuilder`. */
  readonly keepsAdded = (builder: EventBuilder, time: number, cpu: number, kind: number, slot: number): boolean =>
    this.keeps(builder, time, cpu, kind, slot)

  /** The wanted ones of events that are read already. */
  of(events: Events): Events {
    const { time, cpu, kind, slot } = events
    const rows = new Uint8Array(events.length)
    let kept = 0
    for (let row = 0; row < rows.length; row++) {
      rows[row] = Number(this.keeps(events, time[row]!, cpu[row]!, kind[row]!, slot[row]!))
      kept += rows[row]!
    }
    return kept === events.length ? events : selectEvents(events, (row) => rows[row] === 1)
  }

  #meet(at: Pick<Events, 'tables' | 'strings'>, kind: number, slot: number): string | undefined {
    const name = nameOf(at, kind, slot)
    if (name === usualNames[kind]) this.#kinds[kind] = 1
    else if (name !== undefined) this.#otherNames.add(name)
    return name
  }
}
