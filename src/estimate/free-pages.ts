import type { ZoneFlags } from '#policies/pcp'
import type { Script } from '#record'
import { FlowKind } from '#record'
import { buddyinfoOf } from './free-start.ts'

/** watermark_boost_factor, in 1/10000 of the high watermark. */
const WATERMARK_BOOST_FACTOR = 15_000

/** log2 of the pages of 128 MiB. */
const THRESHOLD_SHIFT = 15

const fls = (value: number): number => 32 - Math.clz32(value)

/** Pages that a CPU keeps back before it adds them to a zone's counter. Source: calculate_normal_threshold(), mm/vmstat.c, v5.10 to v7.2. */
export const statThreshold = (cpus: number, managed: number): number =>
  Math.min(125, 2 * fls(cpus) * (1 + fls(managed >>> THRESHOLD_SHIFT)))

const noFlags = (): ZoneFlags => ({ reclaimActive: false, belowHigh: false })

/**
 * The counter of free pages of each zone while a recording is followed, and what the list rules see of it: ZONE_RECLAIM_ACTIVE,
 * ZONE_BELOW_HIGH. Approximate: buddyinfo is read a little before the trace, no event shows what of its pages each CPU keeps back by
 * then, nor when an idle CPU gives them up. Leaves out: lowmem_reserve and the HIGHATOMIC reserve, which the watermark checks take off;
 * pages other than of 4 KiB; that CPUs of a machine with many keep back less while kswapd is awake.
 * Source: get_page_from_freelist(), free_unref_page_commit(), boost_watermark(), mm/page_alloc.c, __mod_zone_page_state(), mm/vmstat.c,
 * balance_pgdat(), mm/vmscan.c, v6.12.
 */
export class FreePages {
  readonly flags: ZoneFlags[]
  readonly #script: Script
  /** Whether the list rules look at the watermarks. */
  readonly #tunes: boolean
  /** By number in the flow: how often the watermarks are boosted with it. */
  readonly #boosts: Uint8Array
  readonly #free: Float64Array
  /** By zone: whether zoneinfo, buddyinfo or kswapd's first wake tells how much was free. */
  readonly #known: readonly boolean[]
  /** By CPU and zone: pages that are not yet in the zone's counter; by zone: how many may be so on one CPU. */
  readonly #kept: Int32Array
  readonly #threshold: Uint8Array
  /** By zone: what the counter proved to be off by, no more than all CPUs may keep back. */
  readonly #off: Int32Array
  /** Raised by fallbacks that look at parts of other pageblocks, taken back when kswapd is done with what it found. */
  readonly #boost: Int32Array
  readonly #boostSeen: Int32Array
  /** Rows of the last allocation that tried the zone, and of kswapd's last wake. */
  readonly #triedAt: Int32Array
  readonly #reclaimAt: Int32Array
  /** By zone: its counter when kswapd of its node first woke; NaN until then. */
  readonly atFirstWake: Float64Array
  /** By zone: kswapd balances its node: 1 since it woke, so that it may not have begun yet; 2 once it has. */
  readonly #balance: Uint8Array
  /** By zone: 1 where kswapd of its node has not gone to sleep since it woke. */
  readonly #awake: Uint8Array
  /** The next of the flow. */
  #next = 0
  /** By number in the flow: whether a bulk free that looks at the watermark ends with it. */
  readonly #ends: Uint8Array
  /** By pageset: the flags when its last refill began. */
  readonly #refillFlags: readonly ZoneFlags[]

  constructor(script: Script, tunes: boolean, boosts: Uint8Array) {
    const { zones, cpus, machine, flow } = script
    this.#script = script
    this.#tunes = tunes
    this.#boosts = boosts
    this.flags = zones.map(noFlags)
    this.#free = Float64Array.from(zones, (zone) => {
      const blocks = buddyinfoOf(machine.buddyBefore, zone)
      return blocks?.reduce((pages, count, order) => pages + count * 2 ** order, 0) ?? zone.free
    })
    this.#known = zones.map(
      (zone) => machine.zones.length > 0 || zone.free > 0 || buddyinfoOf(machine.buddyBefore, zone) !== undefined,
    )
    this.atFirstWake = new Float64Array(zones.length).fill(Number.NaN)
    this.#kept = new Int32Array(cpus * zones.length)
    this.#threshold = Uint8Array.from(zones, ({ managed }) => statThreshold(machine.cpus.length, managed))
    this.#off = new Int32Array(zones.length)
    this.#boost = new Int32Array(zones.length)
    this.#boostSeen = new Int32Array(zones.length)
    this.#triedAt = new Int32Array(zones.length).fill(-1)
    this.#reclaimAt = new Int32Array(zones.length).fill(-1)
    this.#balance = new Uint8Array(zones.length)
    this.#awake = new Uint8Array(zones.length)
    this.#ends = new Uint8Array(flow.length)
    this.#refillFlags = Array.from({ length: cpus * zones.length }, noFlags)
  }

  #high(zone: number): number {
    return this.#script.zones[zone]!.high + this.#boost[zone]!
  }

  /** Where nothing shows how much is free, as the record showed last; above, until it does. */
  #isAbove(zone: number): boolean {
    if (!this.#known[zone]) return !this.flags[zone]!.belowHigh
    return this.#free[zone]! + this.#off[zone]! > this.#high(zone)
  }

  /** Follows the buddy up to a row. */
  advance(row: number): void {
    const { flow } = this.#script
    for (; this.#next < flow.length && flow.row[this.#next]! <= row; this.#next++) this.#follow(this.#next)
  }

  #follow(at: number): void {
    const { flow, zones } = this.#script
    const zone = flow.zone[at]!
    if (zone >= zones.length) return
    const cpu = flow.cpu[at]!
    const pages = 1 << flow.order[at]!
    const kind = flow.kind[at]!
    if (kind === FlowKind.drained) {
      this.add(cpu, zone, pages)
      if (this.#ends[at] === 1 && this.#isAbove(zone)) this.flags[zone]!.belowHigh = false
      return
    }
    if (kind === FlowKind.begins) {
      if (this.#tunes) this.tried(zone, flow.row[at]!)
      const { reclaimActive, belowHigh } = this.flags[zone]!
      const seen = this.#refillFlags[cpu * zones.length + zone]!
      seen.reclaimActive = reclaimActive
      seen.belowHigh = belowHigh
    }
    this.add(cpu, zone, -pages)
    for (let boosts = this.#boosts[at]!; boosts > 0; boosts--) this.#raise(zone)
  }

  /** Pages that a CPU gives to the buddy, or takes. */
  add(cpu: number, zone: number, pages: number): void {
    const at = cpu * this.#script.zones.length + zone
    const kept = this.#kept[at]! + pages
    const isKept = Math.abs(kept) <= this.#threshold[zone]!
    this.#kept[at] = isKept ? kept : 0
    if (!isKept) this.#free[zone]! += kept
  }

  /** vmstat_update() on this CPU: it keeps nothing back. */
  tick(cpu: number): void {
    const { length } = this.#script.zones
    for (let zone = 0; zone < length; zone++) {
      this.#free[zone]! += this.#kept[cpu * length + zone]!
      this.#kept[cpu * length + zone] = 0
    }
  }

  /** An allocation tries the zone, at this row. */
  tried(zone: number, row: number): void {
    this.#triedAt[zone] = row
    if (!this.#isAbove(zone)) this.flags[zone]!.belowHigh = true
  }

  /**
   * Direct reclaim begins. Its allocation found too little some time ago: it may have waited for kswapd since, so this tells no more than
   * that it tried. Source: throttle_direct_reclaim(), mm/vmscan.c, v6.12.
   */
  shortage(row: number): void {
    for (let zone = 0; zone < this.flags.length; zone++) this.tried(zone, row)
  }

  /** The bulk free of a full pageset ends with this block of the flow, and looks at the watermark then. */
  endsWith(at: number): void {
    this.#ends[at] = 1
  }

  /** The flags as the last refill of a pageset found them. */
  atRefill(pset: number): ZoneFlags {
    return this.#refillFlags[pset]!
  }

  #raise(zone: number): void {
    const { pageblockOrder } = this.#script.machine
    const { high, managed } = this.#script.zones[zone]!
    if (managed < 4 << pageblockOrder) return
    const most = Math.max(Math.trunc((high * WATERMARK_BOOST_FACTOR) / 10_000), 1 << pageblockOrder)
    this.#boost[zone] = Math.min(this.#boost[zone]! + (1 << pageblockOrder), most)
  }

  kswapdSleeps(node: number): void {
    for (const zone of this.#zonesOf(node)) this.#awake[zone] = 0
  }

  /** The zones of a node; all where no file tells which node that is. */
  #zonesOf(node: number): number[] {
    const all = this.#script.zones.map((_, zone) => zone)
    const own = all.filter((zone) => this.#script.zones[zone]!.node === node)
    return own.length > 0 ? own : all
  }

  /** Far from any shortage: kswapd sleeps and free pages exceed four times the high watermark. Where free pages are unknown: kswapd has never woken. */
  unpressed(zone: number): boolean {
    const { reclaimActive, belowHigh } = this.flags[zone]!
    if (this.#awake[zone] === 1 || reclaimActive || belowHigh) return false
    return this.#known[zone] ? this.#free[zone]! > 4 * this.#high(zone) : this.#reclaimAt[zone]! < 0
  }

  /** What the flags may be instead of what they are thought to be, most like it first. None far from any shortage. */
  *otherFlags(zone: number, below: boolean, than: ZoneFlags = this.flags[zone]!): Generator<ZoneFlags> {
    if (this.unpressed(zone)) return
    const { reclaimActive, belowHigh } = than
    if (below) yield { reclaimActive, belowHigh: !belowHigh }
    if (reclaimActive && this.#balance[zone]! > 1) return
    yield { reclaimActive: !reclaimActive, belowHigh }
    if (below) yield { reclaimActive: !reclaimActive, belowHigh: !belowHigh }
  }

  /**
   * The record shows the flags, and with them on which side of the high watermark the zone was. Where what the CPUs keep back can explain
   * it, the counter is corrected by as little as that takes; else the watermark was boosted, or no longer so, unseen.
   */
  learn(zone: number, { reclaimActive, belowHigh }: ZoneFlags): void {
    const flags = this.flags[zone]!
    flags.reclaimActive = reclaimActive
    if (flags.belowHigh === belowHigh) return
    flags.belowHigh = belowHigh
    if (this.#isAbove(zone) !== belowHigh) return
    const off = this.#high(zone) - this.#free[zone]! + (belowHigh ? 0 : 1)
    if (Math.abs(off) <= this.#threshold[zone]! * this.#script.machine.cpus.length) {
      this.#off[zone] = off
      return
    }
    const boost = this.#boost[zone]!
    if (belowHigh) {
      for (let before = -1; this.#isAbove(zone) && this.#boost[zone]! > before; this.#raise(zone))
        before = this.#boost[zone]!
    } else this.#boost[zone] = 0
    // Neither explains it.
    if (this.#isAbove(zone) === belowHigh) this.#boost[zone] = boost
  }

  /** The record shows the flags as the last refill of a pageset found them. They still are so, where they did not change since. */
  learnAtRefill(pset: number, shown: ZoneFlags): void {
    const flags = this.flags[pset % this.#script.zones.length]!
    const seen = this.#refillFlags[pset]!
    if (flags.reclaimActive === seen.reclaimActive && flags.belowHigh === seen.belowHigh) Object.assign(flags, shown)
  }

  /** Whether these flags may have come to be since `row`: each that is set must have had its occasion. */
  mayBegin(zone: number, { reclaimActive, belowHigh }: ZoneFlags, row: number): boolean {
    return (
      (belowHigh && this.#triedAt[zone]! > row) ||
      (reclaimActive && (this.#reclaimAt[zone]! > row || this.#balance[zone] === 1))
    )
  }

  /** kswapd of a node begins or ends to balance it. */
  reclaim(active: boolean, row: number, node: number): void {
    for (const zone of this.#zonesOf(node)) {
      this.#balance[zone] = active ? Math.min(2, this.#balance[zone]! + 1) : 0
      if (active) {
        if (this.#reclaimAt[zone]! < 0) this.atFirstWake[zone] = this.#free[zone]!
        this.#reclaimAt[zone] = row
        this.#awake[zone] = 1
      }
      this.flags[zone]!.reclaimActive = active
      if (this.#balance[zone] === 1) this.#boostSeen[zone] = this.#boost[zone]!
      else if (!active) {
        this.#boost[zone]! -= Math.min(this.#boost[zone]!, this.#boostSeen[zone]!)
        this.#boostSeen[zone] = 0
      }
    }
  }
}
