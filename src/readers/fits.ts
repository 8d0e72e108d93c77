import { type Events, kindNames } from '#events'
import { type Cpu, type Pfn, type Zone, ZoneSpans, zoneLabel } from '#kernel'
import { TraceError } from '#kernel/messages'

const HINT =
  'The sidecars (zoneinfo, buddyinfo, …) belong to another machine or boot: put the right ones there, or remove them and ' +
  'read the trace without.'

/** What the zoneinfo of before and of after a trace tell. */
export interface Zones {
  readonly zones: readonly Zone[]
  readonly zonesAfter: readonly Zone[]
}

/** The CPUs that zoneinfo knows, in order. */
export const cpusIn = ({ zones, zonesAfter }: Zones): Cpu[] =>
  [...new Set([...zones, ...zonesAfter].flatMap(({ pagesets }) => pagesets.map(({ cpu }) => cpu)))].sort(
    (a, b) => a - b,
  )

/** A share of page frames that damage may bring about; above it the zoneinfo is another machine’s. */
const FEW = 0.01

/** Sees whether a trace, as its events come, is of the machine that the zoneinfo beside it is of. */
export class Fit {
  readonly #zones: Zones
  readonly #before: ZoneSpans
  readonly #after: ZoneSpans
  readonly #seen = new Uint8Array(0x10000)
  /** Events with pages; those with pages outside every zone, and the first such page. */
  #pages = 0
  #outside = 0
  #first: number | undefined

  constructor(zones: Zones) {
    this.#zones = zones
    this.#before = new ZoneSpans(zones.zones)
    this.#after = new ZoneSpans(zones.zonesAfter)
  }

  add(events: Events): void {
    const { cpu, length } = events
    const seen = this.#seen
    for (let row = 0; row < length; row++) seen[cpu[row]!] = 1
    if (this.#zones.zones.length + this.#zones.zonesAfter.length === 0) return
    for (const kind of kindNames) {
      const column = events.tables[kind].list.find(({ name }) => name === 'pfn')
      if (column?.type === 'u32') this.#addPages(column.data)
    }
  }

  #addPages(pfns: Uint32Array): void {
    this.#pages += pfns.length
    for (let row = 0; row < pfns.length; row++) {
      const pfn = pfns[row]!
      if (this.#isMemory(pfn)) continue
      this.#outside++
      this.#first ??= pfn
    }
  }

  /** The CPUs that events ran on. */
  get cpus(): Cpu[] {
    const cpus: Cpu[] = []
    for (let number = 0; number < this.#seen.length; number++) if (this.#seen[number] === 1) cpus.push(number)
    return cpus
  }

  #isMemory(pfn: Pfn): boolean {
    return this.#before.of(pfn) >= 0 || this.#after.of(pfn) >= 0
  }

  /** Where the machine has memory, if some pages lie elsewhere. */
  get isMemory(): ((pfn: Pfn) => boolean) | undefined {
    return this.#outside === 0 ? undefined : (pfn) => this.#isMemory(pfn)
  }

  /** Refuses a trace with many pages outside every zone, or with CPUs of which the zoneinfo knows nothing. */
  check(trace: string): void {
    const known = cpusIn(this.#zones)
    const strange = this.cpus.filter((cpu) => !known.includes(cpu))
    if (strange.length > 0 && known.length > 0) {
      throw new TraceError({
        place: { file: trace },
        what: `CPU ${strange.join(', ')} recorded events, but zoneinfo knows only CPU ${known.join(', ')}`,
        hint: HINT,
      })
    }
    if (this.#first === undefined || this.#outside <= this.#pages * FEW) return
    const ranges = this.#zones.zones.map(
      ({ node, name, startPfn, spanned }) => `${zoneLabel(node, name)} ${startPfn}–${startPfn + spanned - 1}`,
    )
    throw new TraceError({
      place: { file: trace },
      what: `page frame ${this.#first} lies outside every zone of zoneinfo (${ranges.join(', ')}); ${this.#outside} events are so`,
      hint: HINT,
    })
  }
}
