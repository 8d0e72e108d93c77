import type { Pages } from '#kernel'

/** Ticks after which a remote pageset that nobody used is given back. Source: refresh_cpu_vm_stats(), mm/vmstat.c, v5.10 to v7.2. */
const EXPIRE_TICKS = 3

/** Pagesets of other nodes' zones: with CONFIG_NUMA their pages go once their CPU has left the zone alone for some vmstat ticks. */
export class RemoteExpiry {
  /** By pageset: 1 where its CPU changed the zone’s counters since its last tick. */
  readonly used: Uint8Array
  readonly #remote: Uint8Array
  /** By pageset: ticks until it expires; 0: not counting. */
  readonly #left: Uint8Array

  constructor(remote: Uint8Array) {
    this.#remote = remote
    this.used = new Uint8Array(remote.length)
    this.#left = new Uint8Array(remote.length)
  }

  /** A tick comes to a pageset with so many pages. Returns whether it expires. */
  tick(pset: number, count: Pages): boolean {
    const used = this.used[pset] === 1
    this.used[pset] = 0
    if (this.#remote[pset] === 0) return false
    if (used) this.#left[pset] = EXPIRE_TICKS
    if (this.#left[pset] === 0 || count === 0) return false
    this.#left[pset]!--
    if (this.#left[pset]! > 0) return false
    // What it gives back changes the zone’s counters.
    this.used[pset] = 1
    return true
  }
}
