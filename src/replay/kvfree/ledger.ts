import type { Ns } from '#kernel'
import { Channel, type Held, type State } from '#policies/kvfree'

/** Frees in order of time, as columns that grow. */
export class Frees {
  length = 0
  time = new Float64Array(1024)
  n = new Uint32Array(1024)
  channel = new Uint8Array(1024)

  add(time: Ns, n: number, channel: Channel): void {
    const at = this.length
    if (at === this.time.length) this.#grow()
    this.time[at] = time
    this.n[at] = n
    this.channel[at] = channel
    this.length = at + 1
  }

  #grow(): void {
    const grow = <T extends Float64Array | Uint32Array | Uint8Array>(fresh: T, old: T): T => {
      fresh.set(old)
      return fresh
    }
    const capacity = this.length * 2
    this.time = grow(new Float64Array(capacity), this.time)
    this.n = grow(new Uint32Array(capacity), this.n)
    this.channel = grow(new Uint8Array(capacity), this.channel)
  }
}

/** Frees of pages or sheaves, and one by one. */
export function freeCounts(frees: Frees) {
  const sums = { bulkFrees: 0, bulkObjects: 0, listFrees: 0 }
  for (let row = 0; row < frees.length; row++) {
    const n = frees.n[row]!
    switch (frees.channel[row]) {
      case Channel.inline:
        break
      case Channel.list:
        sums.listFrees += n
        break
      default:
        sums.bulkFrees++
        sums.bulkObjects += n
    }
  }
  return sums
}

const BINS_PER_OCTAVE = 64

/** How many objects waited how long, in bins 1 % wide: quantiles of any number of objects in fixed memory. */
export class Latencies {
  readonly #bins = new Float64Array(64 * BINS_PER_OCTAVE)
  #count = 0
  #max: Ns = 0

  /** `n` objects whose waits lie evenly between two. */
  add(shortest: Ns, longest: Ns, n: number): void {
    this.#count += n
    this.#max = Math.max(this.#max, longest)
    const from = this.#binOf(shortest)
    const to = this.#binOf(longest)
    if (from === to) {
      this.#bins[from]! += n
      return
    }
    const width = longest - shortest
    for (let bin = from; bin <= to; bin++) {
      const low = Math.max(shortest, 2 ** (bin / BINS_PER_OCTAVE))
      const high = Math.min(longest, 2 ** ((bin + 1) / BINS_PER_OCTAVE))
      this.#bins[bin]! += (n * Math.max(0, high - low)) / width
    }
  }

  #binOf(wait: Ns): number {
    return wait < 1 ? 0 : Math.floor(Math.log2(wait) * BINS_PER_OCTAVE)
  }

  get count(): number {
    return this.#count
  }

  get max(): Ns {
    return this.#max
  }

  /** In classes of half an octave, from the first to the last that is not empty. */
  classes(): { fromNs: Ns; objects: number }[] {
    const perClass = BINS_PER_OCTAVE / 2
    const all = Array.from({ length: 128 }, (_, at) => ({
      fromNs: at === 0 ? 0 : 2 ** (at / 2),
      objects: this.#bins.subarray(at * perClass, (at + 1) * perClass).reduce((sum, n) => sum + n, 0),
    }))
    const first = all.findIndex(({ objects }) => objects > 0)
    return first < 0 ? [] : all.slice(first, all.findLastIndex(({ objects }) => objects > 0) + 1)
  }

  /** Undefined where nothing was freed. Within 1 %. */
  quantile(q: number): Ns | undefined {
    if (this.#count === 0) return undefined
    const wanted = q * this.#count
    let sum = 0
    for (let bin = 0; bin < this.#bins.length; bin++) {
      sum += this.#bins[bin]!
      if (sum >= wanted && sum > 0) return Math.min(this.#max, 2 ** ((bin + 0.5) / BINS_PER_OCTAVE))
    }
    return this.#max
  }
}

/** Objects and bytes that wait, and what they wait for. */
export class Ledger {
  readonly objects = { collected: 0, waiting: 0, freeing: 0 }
  bytes = 0
  pages = 0
  enqueued = 0
  freed = 0
  peakObjects = 0
  peakBytes = 0
  readonly frees = new Frees()
  /** Objects freed by CPU, and there by channel. */
  readonly byCpu: number[][] = []
  readonly latencies = new Latencies()
  readonly #names = ['collected', 'waiting', 'freeing'] as const

  get inFlight(): number {
    return this.enqueued - this.freed
  }

  enqueue(n: number, bytes: number): void {
    this.enqueued += n
    this.objects.collected += n
    this.bytes += bytes
    if (this.inFlight > this.peakObjects) this.peakObjects = this.inFlight
    const held = this.bytes + this.pages * 4096
    if (held > this.peakBytes) this.peakBytes = held
  }

  moved(n: number, from: State, to: State): void {
    this.objects[this.#names[from]] -= n
    this.objects[this.#names[to]] += n
  }

  /** `n` objects of `held` are gone: the share of it that came `done` … `done + n`. */
  free(now: Ns, held: Held, done: number, n: number): void {
    this.freed += n
    this.objects.freeing -= n
    this.bytes -= (held.bytes * n) / held.n
    this.frees.add(now, n, held.channel)
    this.byCpu[held.cpu] ??= new Array<number>(Object.keys(Channel).length).fill(0)
    this.byCpu[held.cpu]![held.channel]! += n
    const step = held.n > 1 ? (held.last - held.first) / (held.n - 1) : 0
    const first = held.first + done * step
    const last = held.first + (done + n - 1) * step
    this.latencies.add(now - last, now - first, n)
  }
}
