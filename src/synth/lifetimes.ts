import type { Ns } from '#kernel'
import type { Random } from '#kernel/numbers'
import { LiveBlocks } from './live-blocks.ts'

/** Steps of age that are distinguished: so many a factor of ten, from 1 ns up. */
const STEPS = 64
/** Frees of what was allocated before the trace: older than any step. */
const OLDEST = STEPS * 12
/** The share of frees that may end younger, or older, than wanted, at any age. */
const CLOSE = 0.001
/** A round of one exchange tried for each free on average is the last when it betters the sum of squares by less. */
const GAIN = 0.05

const stepOf = (age: Ns): number => Math.min(OLDEST - 1, Math.floor(STEPS * Math.log10(Math.max(1, age))))

/** Blocks of one kind: they may be exchanged for each other. Births and frees are in order of time. */
interface Kind {
  readonly births: number[]
  readonly blocks: number[]
  /** By birth: the free that frees it; −1: none does. */
  readonly freedBy: number[]
  readonly live: LiveBlocks
  /** Whether the trace shows its births, and so its ages. */
  readonly shown: boolean
}

/**
 * Which block each free of a trace frees, such that blocks live as long as they should: the distribution of the ages follows the wanted
 * one at every age, while each free frees a block of its kind that is allocated then.
 *
 * At first each free takes the block whose age is nearest to the wanted one. As blocks are taken without replacement, some find none near:
 * these errors add up to a shift where few die. Then random pairs of one kind exchange their blocks wherever that brings the
 * distribution nearer (sum of squares over all steps of age), until no age is off by more than 0.1 % of the frees, or little is gained.
 * Source: simulated annealing at temperature 0, as in synthetic reconstruction of populations.
 */
export class Lifetimes {
  readonly #kinds = new Map<number, Kind>()
  // By free.
  readonly #kindOf: (Kind | undefined)[] = []
  readonly #time: number[] = []
  readonly #wanted: number[] = []
  /** Index into the births of its kind; −1: before the trace. */
  readonly #birth: number[] = []
  /** By step: how many more frees are as young, or younger, than wanted. */
  readonly #surplus = new Int32Array(OLDEST + 1)

  #kind(kind: number, shown: boolean): Kind {
    let known = this.#kinds.get(kind)
    if (known === undefined) {
      known = { births: [], blocks: [], freedBy: [], live: new LiveBlocks(), shown }
      this.#kinds.set(kind, known)
    }
    return known
  }

  /** Births and frees must come in order of time. */
  born(kind: number, block: number, time: Ns, shown: boolean): void {
    const of = this.#kind(kind, shown)
    of.live.add(of.births.length, time)
    of.births.push(time)
    of.blocks.push(block)
    of.freedBy.push(-1)
  }

  /** A free at `time` of a block that should be `age` old; undefined: allocated before the trace. Frees are numbered as they come. */
  freed(kind: number | undefined, time: Ns, age: Ns | undefined): void {
    const of = kind === undefined ? undefined : this.#kinds.get(kind)
    const free = this.#time.push(time) - 1
    this.#kindOf.push(of)
    this.#wanted.push(age === undefined ? OLDEST : stepOf(age))
    const birth = (age === undefined ? undefined : of?.live.take(time - age)) ?? -1
    this.#birth.push(birth)
    if (birth >= 0) of!.freedBy[birth] = free
  }

  /** The block that a free frees; undefined: one from before the trace. */
  blockOf(free: number): number | undefined {
    return this.#kindOf[free]?.blocks[this.#birth[free]!]
  }

  #stepOf(free: number): number {
    const birth = this.#birth[free]!
    return birth < 0 ? OLDEST : stepOf(this.#time[free]! - this.#kindOf[free]!.births[birth]!)
  }

  /** Moves one free from a step of age to another. Returns by how much the sum of squares changes. */
  #move(from: number, to: number): number {
    const surplus = this.#surplus
    let change = 0
    for (let step = to; step < from; step++) change += 2 * surplus[step]!++ + 1
    for (let step = from; step < to; step++) change -= 2 * surplus[step]!-- - 1
    return change
  }

  settle(random: Random): void {
    const frees: number[] = []
    for (let free = 0; free < this.#time.length; free++) {
      if (this.#kindOf[free]?.shown !== true) continue
      frees.push(free)
      this.#move(this.#wanted[free]!, this.#stepOf(free))
    }
    const close = CLOSE * frees.length
    let off = Number.POSITIVE_INFINITY
    for (let before = off; !this.#surplus.every((count) => Math.abs(count) <= close); before = off) {
      for (let n = 0; n < frees.length; n++) this.#exchange(frees[random.below(frees.length)]!, random)
      off = this.#surplus.reduce((sum, count) => sum + count ** 2, 0)
      if (off > before * (1 - GAIN)) break
    }
  }

  /** Tries another block, near or far, for a free; who had it takes this one’s. */
  #exchange(free: number, random: Random): void {
    const kind = this.#kindOf[free]!
    const { births, freedBy } = kind
    const own = this.#birth[free]!
    const reach = births.length ** random.uniform()
    const other = (own < 0 ? random.below(births.length) : own) + Math.round((2 * random.uniform() - 1) * reach)
    if (other === own || other < 0 || other >= births.length || births[other]! >= this.#time[free]!) return
    const holder = freedBy[other]!
    if (holder >= 0 && own >= 0 && births[own]! >= this.#time[holder]!) return
    const [mine, theirs] = [this.#stepOf(free), holder < 0 ? 0 : this.#stepOf(holder)]
    this.#give(free, other)
    if (holder >= 0) this.#give(holder, own)
    else if (own >= 0) freedBy[own] = -1
    let change = this.#move(mine, this.#stepOf(free))
    if (holder >= 0) change += this.#move(theirs, this.#stepOf(holder))
    if (change < 0) return
    this.#move(this.#stepOf(free), mine)
    if (holder >= 0) this.#move(this.#stepOf(holder), theirs)
    this.#give(free, own)
    if (holder >= 0) this.#give(holder, other)
    else freedBy[other] = -1
  }

  #give(free: number, birth: number): void {
    this.#birth[free] = birth
    if (birth >= 0) this.#kindOf[free]!.freedBy[birth] = free
  }
}
