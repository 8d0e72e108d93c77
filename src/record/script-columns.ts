/** Growing columns of the script's rows. */
export class Rows {
  length = 0
  time: Float64Array
  op: Uint8Array
  cpu: Uint16Array
  zone: Uint8Array
  pfn: Uint32Array
  order: Uint8Array
  migratetype: Uint8Array
  refillStart: Uint32Array
  refillEnd: Uint32Array
  drainStart: Uint32Array
  drainEnd: Uint32Array
  preemptedAtRow: Uint32Array

  constructor(capacity: number) {
    this.time = new Float64Array(capacity)
    this.op = new Uint8Array(capacity)
    this.cpu = new Uint16Array(capacity)
    this.zone = new Uint8Array(capacity)
    this.pfn = new Uint32Array(capacity)
    this.order = new Uint8Array(capacity)
    this.migratetype = new Uint8Array(capacity)
    this.refillStart = new Uint32Array(capacity)
    this.refillEnd = new Uint32Array(capacity)
    this.drainStart = new Uint32Array(capacity)
    this.drainEnd = new Uint32Array(capacity)
    this.preemptedAtRow = new Uint32Array(capacity)
  }
}

/** Recorded pages of one CPU since its last row. */
export class Run {
  pfn = new Uint32Array(256)
  order = new Uint8Array(256)
  migratetype = new Uint8Array(256)
  /** Their number in the flow. */
  flow = new Uint32Array(256)
  length = 0

  has(pfn: number): boolean {
    return this.length > 0 && this.pfn.subarray(0, this.length).includes(pfn)
  }

  push(pfn: number, order: number, migratetype: number, flow: number): void {
    if (this.length === this.pfn.length) {
      const grow = <T extends Uint32Array | Uint8Array>(old: T, fresh: T): T => {
        fresh.set(old)
        return fresh
      }
      this.pfn = grow(this.pfn, new Uint32Array(this.length * 2))
      this.order = grow(this.order, new Uint8Array(this.length * 2))
      this.migratetype = grow(this.migratetype, new Uint8Array(this.length * 2))
      this.flow = grow(this.flow, new Uint32Array(this.length * 2))
    }
    this.pfn[this.length] = pfn
    this.order[this.length] = order
    this.migratetype[this.length] = migratetype
    this.flow[this.length++] = flow
  }
}

/** A growing column of recorded pages; runs are copied in whole. */
export class Pages {
  pfn: Uint32Array
  order: Uint8Array
  migratetype: Uint8Array
  flow: Uint32Array
  length = 0

  constructor(capacity: number) {
    this.pfn = new Uint32Array(capacity)
    this.order = new Uint8Array(capacity)
    this.migratetype = new Uint8Array(capacity)
    this.flow = new Uint32Array(capacity)
  }

  take(run: Run): void {
    this.copy(run, 0, run.length)
    run.length = 0
  }

  copy(other: Run | Pages, from: number, to: number): void {
    this.pfn.set(other.pfn.subarray(from, to), this.length)
    this.order.set(other.order.subarray(from, to), this.length)
    this.migratetype.set(other.migratetype.subarray(from, to), this.length)
    this.flow.set(other.flow.subarray(from, to), this.length)
    this.length += to - from
  }
}
