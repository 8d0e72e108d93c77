import { z } from 'zod'
import { Ask, balancesOf, type Demand, DemandBuilder } from '#events/demand'
import { NS_PER_SECOND, type Ns } from '#kernel'
import { firstIndex, type Random } from '#kernel/numbers'
import { cutsOf } from './demand-times.ts'
import { Lifetimes } from './lifetimes.ts'
import { flowsOf, reordered } from './order.ts'

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
    .default(3)
    .meta({ unit: 'ms', help: 'Mean length of a block of time; what happens within one keeps its order.' }),
  reach: z
    .number()
    .min(0)
    .max(1e6)
    .default(5)
    .meta({ unit: 'blocks', help: 'How far a block may come to lie from its own place in the capture.' }),
  draws: z
    .int()
    .min(1)
    .max(1000)
    .default(20)
    .meta({ help: 'How often to draw, at most, until every checked measure is within the bound.' }),
})

/**
 * A demand like another: a balanced local block bootstrap. The source is cut into blocks of time where little is in flight; the copy is laid
 * of these blocks in a new order, each at most `reach` blocks from its place and all equally often (a longer copy repeats each).
 *
 * Matched: blocks change places where that leaves each CPU’s lists, and what lives that it allocated, within a batch of what they were.
 *
 * Within a block all CPUs behave as they did there: runs of allocations and frees, orders, types, tasks, drain requests. Which block of
 * memory a free frees is not copied: it is one of the same order, type and CPU of birth, drawn such that the ages are distributed as those
 * seen (`Lifetimes`). Where kswapd balanced on one side of a seam alone, it is woken or put to sleep there.
 *
 * Source: E. Paparoditis and D. N. Politis, Local block bootstrap, C. R. Math. 335 (2002) 959–962; balanced: A. C. Davison, D. V. Hinkley
 * and E. Schechtman, Efficient bootstrap simulation, Biometrika 73 (1986) 555–566; matched: E. Carlstein, K.-A. Do, P. Hall, T. Hesterberg and
 * H. R. Künsch, Matched-block bootstrap for dependent data, Bernoulli 4 (1998) 305–328.
 * Leaves out: any behaviour that the source does not show; what ties a block of time to a later one beyond the ages of pages.
 */
export function like(source: Demand, { seconds, blockMs, reach }: z.infer<typeof likeParams>, random: Random): Demand {
  const { length, start, time } = source
  if (length === start) return source
  const rows = cutsOf(source, blockMs * NS_PER_MS, random)
  const cuts = rows.map((row) => (row < length ? time[row]! : time[length - 1]! + 1))
  const blocks = cuts.length - 1
  const span = cuts[blocks]! - cuts[0]!
  const end = seconds === undefined ? span : seconds * NS_PER_SECOND
  const places = Math.max(1, Math.ceil((blocks * end) / span))
  const natural = Array.from({ length: places }, (_, place) => Math.floor((place * blocks) / places))
  const order = reordered(natural, flowsOf(source, rows), reach, random)
  const copier = new Copier(source)
  copier.copyLists()
  let at = 0
  for (const block of order) {
    if (at >= end) break
    const size = Math.min(cuts[block + 1]! - cuts[block]!, end - at)
    copier.copy(cuts[block]!, size, at)
    at += size
  }
  return copier.finish(random)
}

class Copier {
  readonly #source: Demand
  readonly #builder = new DemandBuilder()
  readonly #tasks: readonly number[]
  /** By block of the source: the row that allocates it. */
  readonly #bornAt: Int32Array
  readonly #lifetimes = new Lifetimes()
  /** By free: its row, and its row in the source. */
  readonly #frees: { readonly row: number; readonly from: number }[] = []
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

  finish(random: Random): Demand {
    this.#lifetimes.settle(random)
    const { cpu, task, order, migratetype } = this.#source
    for (const [free, { row, from }] of this.#frees.entries()) {
      const block = this.#lifetimes.blockOf(free) ?? this.#builder.newBlock()
      this.#builder.settle(row, block)
      if (this.#lifetimes.blockOf(free) !== undefined) continue
      // It was allocated before the trace.
      this.#builder.push({
        time: -1,
        ask: Ask.alloc,
        cpu: cpu[from]!,
        task: this.#tasks[task[from]!]!,
        block,
        order: order[from]!,
        migratetype: migratetype[from]!,
      })
    }
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
    const source = this.#source
    const wish = {
      time,
      ask: source.ask[row]!,
      cpu: source.cpu[row]!,
      task: this.#tasks[source.task[row]!]!,
      block: source.block[row]!,
      order: source.order[row]!,
      migratetype: source.migratetype[row]!,
      gfpFlags: source.gfpFlags[row]!,
      lead: source.lead[row]!,
    }
    switch (wish.ask) {
      case Ask.alloc:
      case Ask.bulkAlloc:
        wish.block = this.#builder.newBlock()
        this.#lifetimes.born(this.#kindOf(row), wish.block, time, wish.ask === Ask.alloc)
        break
      case Ask.free:
      case Ask.freeListed: {
        const born = this.#bornAt[wish.block]!
        const seen = born >= source.start
        const age = source.time[row]! - wish.lead - source.time[born]!
        this.#lifetimes.freed(this.#kindOf(born), time - wish.lead, seen ? age : undefined)
        this.#frees.push({ row: this.#builder.push(wish), from: row })
        return
      }
      case Ask.kswapdWake:
        this.#awake.set(source.task[row]!, wish.cpu)
        break
      case Ask.kswapdSleep:
        this.#awake.delete(source.task[row]!)
        break
    }
    this.#builder.push(wish)
  }

  /** The kind of what a row of the source allocates: blocks of one kind stand for each other. */
  #kindOf(row: number): number {
    const { ask, order, migratetype, cpu } = this.#source
    return ((cpu[row]! * 32 + order[row]!) * 4 + migratetype[row]!) * 2 + Number(ask[row] === Ask.bulkAlloc)
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
    return start + firstIndex(length - start, (row) => time[start + row]! >= moment)
  }
}
