import { type Events, Kind } from '#events'
import { type Zone, ZoneSpans } from '#kernel'

/** Where a page's own rows lie in arrays over all zones. */
export class PageIndex {
  readonly size: number
  readonly #spans: ZoneSpans
  readonly #bases: number[] = []

  constructor(zones: readonly Zone[]) {
    this.#spans = new ZoneSpans(zones)
    let size = 0
    for (const { startPfn, spanned } of zones) {
      this.#bases.push(size - startPfn)
      size += spanned
    }
    this.size = size
  }

  zone(pfn: number): number {
    return this.#spans.of(pfn)
  }

  /** Index of a page of a known zone. */
  at(pfn: number, zone: number): number {
    return pfn + this.#bases[zone]!
  }

  pfn(page: number, zone: number): number {
    return page - this.#bases[zone]!
  }
}

/** Pageblocks of the zones, numbered: a zone may begin within one. */
export class BlockIndex {
  readonly size: number
  readonly #shift: number
  readonly #bases: number[] = []

  constructor(zones: readonly Zone[], pageblockOrder: number) {
    this.#shift = pageblockOrder
    let size = 0
    for (const { startPfn, spanned } of zones) {
      this.#bases.push(size - (startPfn >>> pageblockOrder))
      size += (spanned >>> pageblockOrder) + 2
    }
    this.size = size
  }

  at(pfn: number, zone: number): number {
    return (pfn >>> this.#shift) + this.#bases[zone]!
  }
}

const UNKNOWN = 255

/**
 * From 6.10 on: pageblock → its type when the trace began. Each event of a page that leaves or comes to the buddy tells what it is by then,
 * and a fallback what it was, so the first tells.
 */
function firstBlockTypes({ tables, kind, slot, length }: Events, index: PageIndex, blocks: BlockIndex): Uint8Array {
  const types = new Uint8Array(blocks.size).fill(UNKNOWN)
  const columnsOf = (pfn: unknown, type: unknown) => ({ pfn: pfn as Uint32Array, type: type as Uint8Array })
  const locked = tables.mm_page_alloc_zone_locked.column
  const drained = tables.mm_page_pcpu_drain.column
  const fallback = tables.mm_page_alloc_extfrag.column
  const byKind = new Map([
    [Kind.mm_page_alloc_zone_locked, columnsOf(locked.pfn.data, locked.migratetype.data)],
    [Kind.mm_page_pcpu_drain, columnsOf(drained.pfn.data, drained.migratetype.data)],
    [Kind.mm_page_alloc_extfrag, columnsOf(fallback.pfn.data, fallback.fallbackMigratetype.data)],
  ] as [number, ReturnType<typeof columnsOf>][])
  for (let row = 0; row < length; row++) {
    const columns = byKind.get(kind[row]!)
    if (columns === undefined) continue
    const pfn = columns.pfn[slot[row]!]!
    const zone = index.zone(pfn)
    if (zone < 0) continue
    const block = blocks.at(pfn, zone)
    if (types[block] === UNKNOWN) types[block] = columns.type[slot[row]!]!
  }
  return types
}

/** pageblock → type of its pages when the trace began, as far as the record shows; else MOVABLE. */
export function firstTypes(events: Events, index: PageIndex, blocks: BlockIndex, byEvent: boolean): Uint8Array {
  const types = byEvent ? firstBlockTypes(events, index, blocks) : new Uint8Array(blocks.size).fill(UNKNOWN)
  const weak = new Uint8Array(blocks.size).fill(UNKNOWN)
  const note = (table: 'mm_page_pcpu_drain' | 'mm_page_alloc_zone_locked' | 'mm_page_alloc', into: Uint8Array) => {
    const { pfn, migratetype } = events.tables[table].column
    const pfns = pfn.data as Uint32Array
    const mts = migratetype.data as Uint8Array
    for (let slot = 0; slot < pfns.length; slot++) {
      const zone = index.zone(pfns[slot]!)
      if (zone < 0) continue
      const block = blocks.at(pfns[slot]!, zone)
      if (into[block] === UNKNOWN) into[block] = mts[slot]!
    }
  }
  note('mm_page_pcpu_drain', types)
  note('mm_page_alloc_zone_locked', weak)
  note('mm_page_alloc', weak)
  for (let block = 0; block < types.length; block++)
    if (types[block] === UNKNOWN) types[block] = weak[block] === UNKNOWN ? 1 : weak[block]!
  return types
}
