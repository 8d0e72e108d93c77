/** What a block does that enters or leaves the buddy. */
export const FlowKind = {
  /** It leaves it as the first of what one CPU takes at once. */
  begins: 0,
  taken: 1,
  /** It comes to it from a list. */
  drained: 2,
} as const

/** Blocks that left the buddy or came to it from the lists, in the order in which all CPUs recorded them. */
export class Flow {
  length = 0
  /** Number of the script's next row at that moment. */
  readonly row: Uint32Array
  readonly cpu: Uint16Array
  /** Index into the zones; 255: in none. */
  readonly zone: Uint8Array
  readonly pfn: Uint32Array
  readonly order: Uint8Array
  readonly migratetype: Uint8Array
  readonly kind: Uint8Array
  /** Order of the block that a fallback took it from, + 1; 0: no fallback. From 6.12 on. */
  readonly fallback: Uint8Array
  /** Whether a fallback made the pageblock the request's type. */
  readonly claimed: Uint8Array

  constructor(capacity: number) {
    this.row = new Uint32Array(capacity)
    this.cpu = new Uint16Array(capacity)
    this.zone = new Uint8Array(capacity)
    this.pfn = new Uint32Array(capacity)
    this.order = new Uint8Array(capacity)
    this.claimed = new Uint8Array(capacity)
    this.migratetype = new Uint8Array(capacity)
    this.kind = new Uint8Array(capacity)
    this.fallback = new Uint8Array(capacity)
  }

  push(row: number, cpu: number, zone: number, pfn: number, order: number, migratetype: number, kind: number): number {
    const at = this.length++
    this.row[at] = row
    this.cpu[at] = cpu
    this.zone[at] = zone
    this.pfn[at] = pfn
    this.order[at] = order
    this.migratetype[at] = migratetype
    this.kind[at] = kind
    return at
  }
}
