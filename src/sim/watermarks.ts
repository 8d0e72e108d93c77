import { type Machine, type Order, type Pages, type Pfn, sysctlOf, type Zone } from '#kernel'
import type { Buddy } from './buddy.ts'

/** vm.watermark_boost_factor: 1/10000 of the high watermark. Source: mm/page_alloc.c, v5.10 to v7.2. */
const BOOST_FACTOR = 15_000

/**
 * The high watermark of each zone with its boost: fallbacks that break into pageblocks of another type raise it, kswapd takes back what it
 * found once it has balanced. Source: boost_watermark(), mm/page_alloc.c, balance_pgdat(), mm/vmscan.c, v5.10 to v7.2.
 */
export class Watermarks {
  /** By zone, with the boost; −1: nothing is known of the zone's watermark. */
  readonly high: Int32Array
  readonly #boost: Int32Array
  /** By zone: the boost that kswapd found as it began. */
  readonly #seen: Int32Array
  readonly #most: Int32Array
  readonly #balances: Uint8Array
  readonly #step: Pages

  constructor({ machine, zones }: { readonly machine: Machine; readonly zones: readonly Zone[] }) {
    const isKnown = machine.zones.length > 0
    this.#step = 1 << machine.pageblockOrder
    const factor = sysctlOf(machine, 'vm.watermark_boost_factor') ?? BOOST_FACTOR
    this.high = Int32Array.from(zones, ({ high }) => (isKnown ? high : -1))
    this.#boost = Int32Array.from(zones, ({ boost = 0 }) => boost)
    this.#most = Int32Array.from(zones, ({ high, boost = 0, managed }) => {
      const most = Math.trunc(((high - boost) * factor) / 10_000)
      return !isKnown || most === 0 || managed < 4 * this.#step ? 0 : Math.max(most, this.#step)
    })
    this.#seen = new Int32Array(zones.length)
    this.#balances = new Uint8Array(zones.length)
  }

  #set(zone: number, boost: Pages): void {
    this.high[zone]! += boost - this.#boost[zone]!
    this.#boost[zone] = boost
  }

  /** A block from the buddy of a zone; −1: it has none. */
  take(zone: number, buddy: Buddy, order: Order, migratetype: number): Pfn {
    const page = buddy.take(order, migratetype)
    if (buddy.looked > 0) this.raise(zone, buddy.looked)
    return page
  }

  /** So many pageblocks of another type were looked at, to break into them. */
  raise(zone: number, looks: number): void {
    if (this.#most[zone]! > 0)
      this.#set(
        zone,
        Math.max(this.#boost[zone]!, Math.min(this.#most[zone]!, this.#boost[zone]! + looks * this.#step)),
      )
  }

  /** kswapd begins or ends to balance the zone. */
  balance(zone: number, active: boolean): void {
    if (active === (this.#balances[zone] === 1)) return
    this.#balances[zone] = Number(active)
    if (active) this.#seen[zone] = this.#boost[zone]!
    else this.#set(zone, this.#boost[zone]! - Math.min(this.#boost[zone]!, this.#seen[zone]!))
  }
}
