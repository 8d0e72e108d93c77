import { z } from 'zod'
import { Ask, balancesOf, type Demand, DemandBuilder } from '#events'
import { NS_PER_SECOND, type Ns, randomOf } from '#kernel'
import { cutsOf } from './demand-times.ts'
import { LiveBlocks } from './live-blocks.ts'

const NS_PER_MS = 1e6

export const likeParams = z.object({
  seconds: z
    .number()
    .min(0.001)
    .max(36_000)
    .optional()
    .meta({ unit: 's', help: 'Length of the trace. Default: as the capture.' }),
  blockMs: z
    .number()
    .min(0.01)
    .max(1e6)
    .default(10)
    .meta({ unit: 'ms', help: 'Mean length of a block of time; what happens within one keeps its order.' }),
  reach: z
    .number()
    .min(0)
    .max(1e6)
    .default(1)
    .meta({ unit: 'blocks', help: 'How far a block may come to lie from its own place in the capture.' }),
})

/**
 * A demand like another: a balanced local block bootstrap. The source is cut into blocks of time where little is in flight; the copy is laid
 * of these blocks in a new order, each at most `reach` blocks from its place and all equally often (a longer copy repeats each).
 *
 * Within a block all CPUs behave as they did there: runs of allocations and frees, orders, types, tasks, drain requests. Which block of
 * memory a free frees is not copied: of those of the same order, type and CPU of birth, the one whose age is nearest to the age seen.
 * Where kswapd balanced on one side of a seam alone, it is woken or put to sleep there.
 *
 * Source: E. Paparoditis and D. N. Politis, Local block bootstrap, C. R. Math. 335 (2002) 959–962; balanced: A. C. Davison, D. V. Hinkley
 * and E. Schechtman, Efficient bootstrap simulation, Biometrika 73 (1986) 555–566.
 * Leaves out: any behaviour that the source does not show; what ties a block of time to a later one beyond the ages of pages.
 */
export function like(source: Demand, { seconds, blockMs, reach }: z.infer<typeof likeParams>, seed: number): Demand {
  const { length, start, time } = source
  if (length === start) return source
  const random = randomOf(seed, 'like')
  const cuts = cutsOf(source, blockMs * NS_PER_MS, random).map((row) =>
    row < length ? time[row]! : time[length - 1]! + 1,
  )
  const blocks = cuts.length - 1
  const span = cuts[blocks]! - cuts[0]!
  const end = seconds === undefined ? span : seconds * NS_PER_SECOND
  const places = Math.max(1, Math.ceil((blocks * end) / span))
  const order = Array.from({ length: places }, (_, place) => ({
    block: Math.floor((place * blocks) / places),
    key: (place * blocks) / places + (2 * random.uniform() - 1) * reach,
  })).sort((a, b) => a.key - b.key)
  const copier = new Copier(source)
  copier.copyLists()
  let at = 0
  for (const { block } of order) {
    if (at >= end) break
    const size = Math.min(cuts[block + 1]! - cuts[block]!, end - at)
    copier.copy(cuts[block]!, size, at)
    at += size
  }
  return copier.finish()
}

class Copier {
  readonly #source: Demand
  readonly #builder = new DemandBuilder()
  readonly #tasks: readonly number[]
  /** By block of the source: the row that allocates it. */
  readonly #bornAt: Int32Array
  readonly #live = new Map<number, LiveBlocks>()
  readonly #balances: ReturnType<typeof balancesOf>
  /** kswapd’s tasks that the copy has woken, and their CPUs. */
  readonly #awake = new Map<number, number>()

  constructor(source: Demand) {
    this.#source = source
    this.#tasks = source.tasks.map(({ pid, comm }) => this.#builder.task(pid, comm))
    this.#bornAt = new Int32Array(source.block.reduce((most, block) => Math.max(most, block + 1), 0)).fill(-1)
    for (let row = 0; row < source.length; row++)
      if (source.ask[row] === Ask.alloc || source.ask[row] === Ask.bulkAlloc) this.#bornAt[source.block[row]!] = row
    this.#balances = balancesOf(source)
  }

  finish(): Demand {
    return this.#builder.finish()
  }

  /** What lay on the lists when the source began lies there when the copy begins. */
  copyLists(): void {
    const { ask, cpu, order, migratetype, start } = this.#source
    const task = this.#builder.task(0, '<...>')
    for (let row = 0; row < start; row++) {
      if (ask[row] !== Ask.free) continue
      const wish = {
        cpu: cpu[row]!,
        task,
        block: this.#builder.newBlock(),
        order: order[row]!,
        migratetype: migratetype[row]!,
      }
      this.#builder.push({ ...wish, time: -2, ask: Ask.alloc })
      this.#builder.push({ ...wish, time: -1, ask: Ask.free })
    }
  }

  /** Copies what the source did in `size` ns from its moment `from`, to the moment `to`. */
  copy(from: Ns, size: Ns, to: Ns): void {
    const { time, length } = this.#source
    const first = this.#rowAt(from)
    this.#seam(first, to)
    for (let row = first; row < length && time[row]! < from + size; row++) this.#row(row, to + time[row]! - from)
  }

  #row(row: number, time: Ns): void {
    const { ask, cpu, task, block, order, migratetype, gfpFlags, lead } = this.#source
    const wish = {
      time,
      ask: ask[row]!,
      cpu: cpu[row]!,
      task: this.#tasks[task[row]!]!,
      block: block[row]!,
      order: order[row]!,
      migratetype: migratetype[row]!,
      gfpFlags: gfpFlags[row]!,
      lead: lead[row]!,
    }
    switch (wish.ask) {
      case Ask.alloc:
      case Ask.bulkAlloc:
        wish.block = this.#builder.newBlock()
        this.#blocksLike(row).add(wish.block, time)
        break
      case Ask.free:
      case Ask.freeListed: {
        const born = this.#bornAt[wish.block]!
        const age = this.#source.time[row]! - this.#source.time[born]!
        const taken = born < this.#source.start ? undefined : this.#blocksLike(born).take(time - age)
        wish.block = taken ?? this.#builder.newBlock()
        // Nothing like it is there: it was allocated before the trace.
        if (taken === undefined) this.#builder.push({ ...wish, time: -1, ask: Ask.alloc })
        break
      }
      case Ask.kswapdWake:
        this.#awake.set(task[row]!, wish.cpu)
        break
      case Ask.kswapdSleep:
        this.#awake.delete(task[row]!)
        break
    }
    this.#builder.push(wish)
  }

  /** What the copy holds of the kind that `row` of the source allocates. */
  #blocksLike(row: number): LiveBlocks {
    const { ask, order, migratetype, cpu } = this.#source
    const key = ((cpu[row]! * 32 + order[row]!) * 4 + migratetype[row]!) * 2 + Number(ask[row] === Ask.bulkAlloc)
    const known = this.#live.get(key)
    if (known !== undefined) return known
    const blocks = new LiveBlocks()
    this.#live.set(key, blocks)
    return blocks
  }

  /** kswapd becomes what it was in the source before row `first`. */
  #seam(first: number, time: Ns): void {
    const { task, cpu } = this.#source
    const balancing = new Map<number, number>()
    for (const { wake, last } of this.#balances)
      if (wake < first && last >= first) balancing.set(task[wake]!, cpu[wake]!)
    for (const [kswapd, where] of [...this.#awake].filter(([kswapd]) => !balancing.has(kswapd))) {
      this.#builder.push({ time, ask: Ask.kswapdSleep, cpu: where, task: this.#tasks[kswapd]! })
      this.#awake.delete(kswapd)
    }
    for (const [kswapd, where] of [...balancing].filter(([kswapd]) => !this.#awake.has(kswapd))) {
      this.#builder.push({ time, ask: Ask.kswapdWake, cpu: where, task: this.#tasks[kswapd]! })
      this.#awake.set(kswapd, where)
    }
  }

  #rowAt(moment: Ns): number {
    const { time, start, length } = this.#source
    let [low, high] = [start, length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if (time[middle]! < moment) low = middle + 1
      else high = middle
    }
    return low
  }
}
