import type { ZoneFlags } from '#policies'
import type { Script } from './script.ts'

/** watermark_boost_factor, in 1/10000 of the high watermark. */
const WATERMARK_BOOST_FACTOR = 15_000

/** Pages by which the account of free pages is put right when it first proves wrong. */
const FIRST_ERROR = 32

/**
 * Free pages of each zone while a recording is followed, and what the list rules see of them: ZONE_RECLAIM_ACTIVE, ZONE_BELOW_HIGH.
 * Approximate: zoneinfo is read a little before the trace, and compaction takes and returns pages unseen.
 * Source: get_page_from_freelist(), free_unref_page_commit(), boost_watermark(), mm/page_alloc.c, balance_pgdat(), mm/vmscan.c, v6.12.
 */
export class FreePages {
  readonly flags: ZoneFlags[]
  readonly #script: Script
  readonly free: Float64Array
  /** Raised by fallbacks that split a pageblock, taken back when kswapd is done with what it found. */
  readonly #boost: Int32Array
  readonly #boostSeen: Int32Array
  /** By how much the account erred when the record last showed it, in pages. */
  readonly #error: Float64Array
  /** Rows of the last allocation that tried the zone, and of kswapd's last wake. */
  readonly #triedAt: Int32Array
  #reclaimAt = -1

  constructor(script: Script) {
    this.#script = script
    this.flags = script.zones.map(() => ({ reclaimActive: false, belowHigh: false }))
    this.free = Float64Array.from(script.zones, ({ free }) => free)
    this.#boost = new Int32Array(script.zones.length)
    this.#triedAt = new Int32Array(script.zones.length).fill(-1)
    this.#error = new Float64Array(script.zones.length)
    this.#boostSeen = new Int32Array(script.zones.length)
  }

  #high(zone: number): number {
    return this.#script.zones[zone]!.high + this.#boost[zone]!
  }

  add(zone: number, pages: number): void {
    this.free[zone]! += pages
  }

  /** An allocation tries the zone, at this row. */
  tried(zone: number, row: number): void {
    this.#triedAt[zone] = row
    if (this.free[zone]! <= this.#high(zone)) this.flags[zone]!.belowHigh = true
  }

  /** A full pageset gave pages back. */
  gaveBack(zone: number): void {
    if (this.free[zone]! > this.#high(zone)) this.flags[zone]!.belowHigh = false
  }

  /** A fallback took a part of another type's pageblock. */
  boost(zone: number): void {
    const { pageblockOrder } = this.#script.machine
    const { high, managed } = this.#script.zones[zone]!
    if (managed < 4 << pageblockOrder) return
    const most = Math.max(Math.trunc((high * WATERMARK_BOOST_FACTOR) / 10_000), 1 << pageblockOrder)
    this.#boost[zone] = Math.min(this.#boost[zone]! + (1 << pageblockOrder), most)
  }

  /** Far from any shortage. */
  unpressed(zone: number): boolean {
    const { reclaimActive, belowHigh } = this.flags[zone]!
    return !reclaimActive && !belowHigh && this.free[zone]! > 4 * this.#high(zone)
  }

  /** What the flags may be instead of what they are thought to be, most like it first. None far from any shortage. */
  *otherFlags(zone: number, below: boolean): Generator<ZoneFlags> {
    if (this.unpressed(zone)) return
    const { reclaimActive, belowHigh } = this.flags[zone]!
    if (below) yield { reclaimActive, belowHigh: !belowHigh }
    yield { reclaimActive: !reclaimActive, belowHigh }
    if (below) yield { reclaimActive: !reclaimActive, belowHigh: !belowHigh }
  }

  /**
   * The record shows the flags, and with them on which side of the high watermark the zone was. How far from it no event tells: twice
   * as far as the last time that the account erred to the same side.
   */
  learn(zone: number, { reclaimActive, belowHigh }: ZoneFlags): void {
    const flags = this.flags[zone]!
    flags.reclaimActive = reclaimActive
    if (flags.belowHigh === belowHigh) return
    flags.belowHigh = belowHigh
    const side = belowHigh ? -1 : 1
    const error = this.#error[zone]!
    this.#error[zone] = Math.sign(error) === side ? 2 * error : side * FIRST_ERROR
    const found = this.#high(zone) + this.#error[zone]!
    this.free[zone] = belowHigh ? Math.min(this.free[zone]!, found) : Math.max(this.free[zone]!, found)
  }

  /** Direct reclaim begins: an allocation found less than the min watermark. */
  shortage(): void {
    for (const flags of this.flags) flags.belowHigh = true
  }

  /** Whether these flags may have come to be since `row`: each that is set must have had its occasion. */
  mayBegin(zone: number, { reclaimActive, belowHigh }: ZoneFlags, row: number): boolean {
    return (belowHigh && this.#triedAt[zone]! > row) || (reclaimActive && this.#reclaimAt > row)
  }

  reclaim(active: boolean, row: number): void {
    if (active) this.#reclaimAt = row
    this.flags.forEach((flags, zone) => {
      flags.reclaimActive = active
      if (active) this.#boostSeen[zone] = this.#boost[zone]!
      else {
        this.#boost[zone]! -= Math.min(this.#boost[zone]!, this.#boostSeen[zone]!)
        this.#boostSeen[zone] = 0
      }
    })
  }
}
