/**
 * One pageset of each kernel written down a second time, as plainly as can be, from the description of its rules: lists are arrays of
 * page names, head first. What the fast rules must agree with.
 */
export const KERNELS = ['5.10', '5.14', '5.18', '6.0', '6.1', '6.7', '6.12', '6.16', '6.19', '7.2'] as const
export type Kernel = (typeof KERNELS)[number]

export interface SlowSizes {
  high: number
  batch: number
  highMin: number
  highMax: number
}

export interface Pressure {
  reclaimActive: boolean
  belowHigh: boolean
}

const PAGEBLOCK_ORDER = 9

/** How many lists of huge pages there are, and whether they are three because there is one by migratetype. */
const THP_LISTS: Readonly<Record<Kernel, number>> = {
  '5.10': 0,
  '5.14': 3,
  '5.18': 3,
  '6.0': 1,
  '6.1': 2,
  '6.7': 1,
  '6.12': 2,
  '6.16': 2,
  '6.19': 2,
  '7.2': 2,
}

export class SlowLists {
  readonly kernel: Kernel
  readonly lists: string[][]
  readonly batch: number
  readonly highMin: number
  readonly highMax: number
  high: number
  freeFactor = 0
  allocFactor = 0
  freeCount = 0
  lastFreeWasHighOrder = false
  #fresh = 0

  constructor(kernel: Kernel, { high, batch, highMin, highMax }: SlowSizes) {
    this.kernel = kernel
    this.lists = Array.from({ length: kernel === '5.10' ? 3 : 12 + THP_LISTS[kernel] }, () => [])
    this.high = high
    this.batch = batch
    this.highMin = highMin
    this.highMax = highMax
  }

  sizeOf(list: number): number {
    if (list < 3) return 1
    if (list < 6) return 2
    if (list < 9) return 4
    if (list < 12) return 8
    return 2 ** PAGEBLOCK_ORDER
  }

  listOf(order: number, type: number): number {
    if (order === PAGEBLOCK_ORDER) {
      if (THP_LISTS[this.kernel] === 3) return 12 + type
      return type === 1 && THP_LISTS[this.kernel] === 2 ? 13 : 12
    }
    return 3 * order + type
  }

  keeps(order: number): boolean {
    if (this.kernel === '5.10') return order === 0
    return order <= 3 || order === PAGEBLOCK_ORDER
  }

  tunes(): boolean {
    return !['5.10', '5.14', '5.18', '6.0', '6.1'].includes(this.kernel)
  }

  count(): number {
    return this.lists.reduce((pages, list, at) => pages + list.length * this.sizeOf(at), 0)
  }

  bounded(high: number): number {
    return Math.min(Math.max(high, this.highMin), this.highMax)
  }

  /** Blocks fetched for this allocation; 0: the list held one. */
  alloc(order: number, type: number, { belowHigh }: Pressure): number {
    const list = this.lists[this.listOf(order, type)]!
    this.freeFactor = Math.floor(this.freeFactor / 2)
    this.freeCount = Math.floor(this.freeCount / 2)
    let fetched = 0
    if (list.length === 0) {
      fetched = this.fetch(order, belowHigh)
      for (let block = 0; block < fetched; block++) list.push(`fresh ${this.#fresh++}`)
    }
    list.shift()
    return fetched
  }

  fetch(order: number, belowHigh: boolean): number {
    if (this.kernel === '5.10') return this.batch
    const share = (pages: number) => (pages <= 1 ? pages : Math.max(Math.floor(pages / 2 ** order), 2))
    if (!this.tunes()) return share(this.batch)
    const high = this.bounded(this.high)
    if (high < this.batch) return 1
    let pages = this.batch
    if (order === 0) pages = this.batch * 2 ** this.allocFactor
    let limit = high
    if (this.highMin !== this.highMax && !belowHigh) {
      this.high = Math.min(high + pages, this.highMax)
      limit = this.high
    }
    if (order === 0) {
      const room = Math.max(limit - this.count() - this.batch, this.batch)
      if (pages <= room && this.allocFactor < 5) this.allocFactor++
      pages = Math.min(pages, room)
    }
    return share(pages)
  }

  /** Names of the blocks given back, in order. */
  free(name: string, order: number, type: number, pressure: Pressure): string[] {
    const list = this.listOf(order, type)
    this.lists[list]!.unshift(name)
    const pages = this.giveBack(order, pressure)
    return pages === 0 ? [] : this.take(pages, list)
  }

  giveBack(order: number, { reclaimActive, belowHigh }: Pressure): number {
    const count = this.count()
    const { batch, highMin, highMax } = this
    const between = (pages: number, low: number, most: number) =>
      pages < low ? Math.min(low, most) : Math.min(pages, most)
    if (this.kernel === '5.10') return count >= this.high ? Math.min(batch, count) : 0
    if (!this.tunes()) {
      const empty = this.kernel !== '5.14' && this.freeFactor > 0 && order >= 1 && order <= 3
      if (empty) return count
      const limit = reclaimActive ? Math.min(4 * batch, this.high) : this.high
      if (count < limit) return 0
      if (limit < batch) return 1
      const doubled = batch * 2 ** this.freeFactor
      if (doubled < limit - batch && (this.kernel !== '6.1' || this.freeFactor < 5)) this.freeFactor++
      return between(doubled, batch, limit - batch)
    }
    this.allocFactor = Math.floor(this.allocFactor / 2)
    const eager = this.kernel === '6.7' || this.kernel === '6.12' ? batch : batch + Math.floor(highMin / 2)
    const highOrder = order >= 1 && order <= 3
    const empty = highOrder && this.lastFreeWasHighOrder && this.freeCount >= eager && count >= batch
    this.lastFreeWasHighOrder = highOrder
    if (this.freeCount < 32 * batch) this.freeCount += 2 ** order
    const high = this.bounded(this.high)
    const lowered = Math.max(high - Math.max(this.freeCount, batch), highMin)
    if (empty) {
      this.high = Math.max(high - 32 * batch, highMin)
      return Math.min(count, 32 * batch)
    }
    let limit = high
    if (reclaimActive) {
      this.high = lowered
      limit = Math.min(4 * batch, lowered)
    } else if (highMin === highMax) limit = high
    else if (belowHigh) {
      this.high = lowered
      limit = Math.max(count, highMin)
    } else if (count >= high && high < this.freeCount + batch) {
      this.high = this.bounded(this.freeCount + batch)
    }
    if (count < limit) return 0
    return limit < batch ? 1 : between(this.freeCount, batch, limit - batch)
  }

  /** vmstat_update(): names of the blocks given back. */
  tick(): string[] {
    if (!this.tunes()) return []
    if (this.high > this.highMin)
      this.high = Math.max(this.count() - 32 * this.batch, this.high - Math.floor(this.high / 8), this.highMin)
    const above = this.count() - this.high
    return this.kernel === '6.7' ? this.sweep(Math.max(0, above), 0) : this.chunks(above, 0)
  }

  take(pages: number, list: number): string[] {
    if (this.kernel === '5.10' || this.kernel === '5.14') return this.inTurn(pages)
    if (this.kernel === '6.19' || this.kernel === '7.2') return this.chunks(pages, list)
    return this.sweep(pages, list)
  }

  chunks(pages: number, list: number): string[] {
    const gone: string[] = []
    for (let left = pages; left > 0; left -= this.batch) gone.push(...this.sweep(Math.min(left, this.batch), list))
    return gone
  }

  sweep(pages: number, list: number): string[] {
    const gone: string[] = []
    for (let left = Math.min(pages, this.count()); left > 0; ) {
      while (this.lists[list]!.length === 0) list = (list + 1) % this.lists.length
      gone.push(this.lists[list]!.pop()!)
      left -= this.sizeOf(list)
    }
    return gone
  }

  /** One block from the next list, one more for each empty list passed; all from the only one that is left. */
  inTurn(pages: number): string[] {
    const gone: string[] = []
    let list = 0
    let turns = 0
    let left = Math.min(pages, this.count())
    while (left > 0) {
      do {
        turns++
        list = (list + 1) % this.lists.length
      } while (this.lists[list]!.length === 0)
      if (turns === this.lists.length) turns = left
      for (; turns > 0 && left > 0 && this.lists[list]!.length > 0; turns--) {
        gone.push(this.lists[list]!.pop()!)
        left -= this.sizeOf(list)
      }
    }
    return gone
  }
}
