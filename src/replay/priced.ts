import { Ask, type Demand } from '#events/demand'
import type { Cpu, Ns } from '#kernel'
import type { PcpChoice } from '#policies'
import { Clocks, type LockPrices, type PageAllocator, type Times } from '#sim'
import { Followers } from './followers.ts'
import type { WorkCounts } from './result.ts'

/** The clocks of one replay: those of the price list that decides what happens, and of others under which the same happens. */
export class Priced {
  /** Absent: everything happens at once. */
  readonly first: Clocks | undefined
  /** All whose replay this is still. */
  all: readonly Clocks[]
  readonly #more: readonly Clocks[]
  readonly #followers: Followers | undefined
  readonly #allocator: PageAllocator

  constructor(
    prices: LockPrices | undefined,
    morePrices: readonly LockPrices[],
    allocator: PageAllocator,
    { lists, drain, drainParams }: PcpChoice,
    { ask }: Pick<Demand, 'ask'>,
  ) {
    const clocksOf = (list: LockPrices) => new Clocks(list, allocator.zones, allocator.cpus)
    this.#allocator = allocator
    this.first = prices && clocksOf(prices)
    this.#more = morePrices.map(clocksOf)
    // Where an operation may find a lock held that it needs, prices decide what it does.
    const decides =
      allocator.mechanism.contended !== undefined && (lists.sharesLists === true || ask.includes(Ask.drainRequest))
    this.all = [...(this.first === undefined ? [] : [this.first]), ...(decides ? [] : this.#more)]
    if (decides || morePrices.length === 0) return
    this.#followers = new Followers(
      allocator,
      this.#more,
      () => drain.create(drainParams as never),
      (left) => {
        this.all = this.all.filter((one) => one !== left)
      },
    )
  }

  request(cpu: Cpu, zone: number | undefined): void {
    const { mechanism, now } = this.#allocator
    mechanism.request(this.#followers?.host ?? this.#allocator, cpu, zone)
    this.#followers?.request(now, cpu, zone)
  }

  /** Runs what is due by then. */
  runTimers(until: Ns): void {
    this.#allocator.runTimers(until)
    this.#followers?.runTimers(until)
  }

  /** A drain holds zone->lock. Returns for how long. */
  drain(price: (clocks: Clocks) => Ns): Ns {
    this.#followers?.hold(price)
    return this.first === undefined ? 0 : price(this.first)
  }

  /** Of the other lists: undefined where something else would have happened. */
  moreTimes(work: WorkCounts): (Times | undefined)[] {
    return this.#more.map((clocks) => (this.all.includes(clocks) ? clocks.times(work) : undefined))
  }
}
