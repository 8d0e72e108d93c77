import type { ListRules, Pcp } from '#policies/pcp'
import type { SlowBuddy } from './slow-buddy.ts'

type BlockRules = NonNullable<ListRules['blocks']>

/** A block on a list, and whether another CPU freed each of its pages there. */
interface Listed {
  readonly pfn: number
  readonly order: number
  readonly type: number
}

/**
 * Lists that keep pageblocks written down a second time, as plainly as can be: one array a CPU, owners in a map, and a merge that looks at
 * every pair. What `BlockSets` must agree with. One zone, one node; `rules` say how many pages come and go.
 */
export class SlowBlockOwner {
  readonly buddy: SlowBuddy
  /** By CPU: of each order and type the head first. */
  readonly lists: Listed[][]
  readonly owners = new Map<number, number>()
  readonly inParts: number[][]
  readonly afar = new Set<number>()
  readonly #rules: ListRules
  readonly #blocks: BlockRules
  readonly pcps: readonly Pcp[]
  readonly #size: number

  constructor(buddy: SlowBuddy, rules: ListRules, pcps: readonly Pcp[]) {
    this.buddy = buddy
    this.#rules = rules
    this.#blocks = rules.blocks!
    this.pcps = pcps
    this.#size = 2 ** this.#blocks.top
    this.lists = pcps.map(() => [])
    this.inParts = pcps.map(() => [])
  }

  #list(cpu: number, order: number, type: number): Listed[] {
    return this.lists[cpu]!.filter((block) => block.order === order && block.type === type)
  }

  #blockOf(pfn: number): number {
    return Math.floor(pfn / this.#size)
  }

  /** Pages that lie where another CPU put them. */
  strandedPages(): number {
    return this.lists
      .flat()
      .flatMap(({ pfn, order }) => Array.from({ length: 2 ** order }, (_, page) => pfn + page))
      .filter((page) => this.afar.has(page)).length
  }

  count(cpu: number): number {
    return this.lists[cpu]!.reduce((pages, { order }) => pages + 2 ** order, 0)
  }

  #has(cpu: number, order: number, type: number): boolean {
    return this.lists[cpu]!.some((block) => block.order >= order && block.type === type)
  }

  /** Pfn of the block that a task gets; undefined: the zone has none. */
  alloc(cpu: number, order: number, type: number): number | undefined {
    const pcp = this.pcps[cpu]!
    this.#rules.onAlloc(pcp)
    if (!this.#has(cpu, order, type)) {
      const wanted = this.#rules.nrAlloc(pcp, order, { reclaimActive: false, belowHigh: false }) * 2 ** order
      this.#refill(cpu, order, type, wanted)
      pcp.count = this.count(cpu)
      if (!this.#has(cpu, order, type)) return undefined
    }
    const from = Math.min(
      ...this.lists[cpu]!.filter((block) => block.order >= order && block.type === type).map((block) => block.order),
    )
    const block = this.#list(cpu, from, type)[0]!
    this.#drop(cpu, block)
    for (let level = from - 1; level >= order; level--)
      this.lists[cpu]!.unshift({ pfn: block.pfn + 2 ** level, order: level, type })
    pcp.count = this.count(cpu)
    return block.pfn
  }

  #drop(cpu: number, block: Listed): void {
    this.lists[cpu]!.splice(this.lists[cpu]!.indexOf(block), 1)
  }

  #refill(cpu: number, order: number, type: number, wanted: number): void {
    const pcp = this.pcps[cpu]!
    let got = 0
    const wants = () => got < wanted || !this.#has(cpu, order, type)
    const add = (pfn: number, size: number) => {
      this.lists[cpu]!.push({ pfn, order: size, type })
      for (let page = pfn; page < pfn + 2 ** size; page++) this.afar.delete(page)
      got += 2 ** size
    }
    // 0: what is free of the CPU’s own pageblocks of that type.
    for (const block of [...this.inParts[cpu]!]) {
      const first = block * this.#size
      if (!wants() || this.buddy.typeOf(first) !== type) continue
      this.inParts[cpu] = this.inParts[cpu]!.filter((one) => one !== block)
      const free = this.buddy.all().filter((one) => this.#blockOf(one.block.pfn) === block)
      for (const one of free.sort((a, b) => a.block.pfn - b.block.pfn)) {
        this.buddy.remove(one)
        add(one.block.pfn, one.block.order)
      }
    }
    // 1: whole pageblocks.
    while (wants() && this.#blocks.claims(pcp, got)) {
      const pfn = this.#own(this.#blocks.top, type)
      if (pfn === undefined) break
      if (this.#blocks.frees === 'owner') this.owners.set(this.#blockOf(pfn), cpu)
      add(pfn, this.#blocks.top)
    }
    // 2: parts of this type.
    for (let size = this.#blocks.top - 1; size >= order; size--) {
      while (wants() && (this.#blocks.parts === 'largest' || size === order || 2 ** size <= wanted - got)) {
        const pfn = this.#own(size, type)
        if (pfn === undefined) break
        add(pfn, size)
      }
    }
    // 3: the old way.
    while (this.#blocks.steals === 'rest' ? wants() : !this.#has(cpu, order, type)) {
      const pfn = this.buddy.take(order, type)
      if (pfn < 0) break
      add(pfn, order)
    }
  }

  #own(order: number, type: number): number | undefined {
    for (let level = order; level <= 10; level++) {
      const block = this.buddy.list(level, type)[0]
      if (block === undefined) continue
      this.buddy.list(level, type).shift()
      for (let half = level - 1; half >= order; half--)
        this.buddy.list(half, type).unshift({ pfn: block.pfn + 2 ** half, order: half })
      return block.pfn
    }
    return undefined
  }

  free(by: number, pfn: number, order: number, type: number): void {
    const cpu = this.owners.get(this.#blockOf(pfn)) ?? by
    const pcp = this.pcps[cpu]!
    this.lists[cpu]!.unshift({ pfn, order, type })
    for (let page = pfn; page < pfn + 2 ** order; page++) {
      if (cpu === by) this.afar.delete(page)
      else this.afar.add(page)
    }
    pcp.count = this.count(cpu)
    const pages = this.#rules.nrFree(pcp, order, { reclaimActive: false, belowHigh: false })
    if (pages > 0) this.giveBack(cpu, pages, this.#rules.freeChunk!(pcp), type)
  }

  giveBack(cpu: number, pages: number, chunk: number, type: number): void {
    let left = pages
    do {
      this.merge(cpu)
      let hold = 0
      for (let blocks = 0; blocks < chunk && hold < left && this.lists[cpu]!.length > 0; blocks++) {
        const block = this.#next(cpu, left - hold, type)
        this.#drop(cpu, block)
        hold += 2 ** block.order
        this.release(block.pfn, block.order, true)
      }
      left -= hold
    } while (left > 0 && this.lists[cpu]!.length > 0)
    this.pcps[cpu]!.count = this.count(cpu)
  }

  /** Of the largest order that is no more than what is to go, else of the smallest; the tail of that type’s list or the next one’s. */
  #next(cpu: number, left: number, type: number): Listed {
    const orders = this.lists[cpu]!.map(({ order }) => order)
    const fitting = this.#blocks.givesBack === 'largest' ? orders : orders.filter((order) => 2 ** order <= left)
    const order = fitting.length > 0 ? Math.max(...fitting) : Math.min(...orders)
    const list = [0, 1, 2].map((turn) => this.#list(cpu, order, (type + turn) % 3)).find((one) => one.length > 0)!
    return list.at(-1)!
  }

  /** Every pair of buddies, the smallest and lowest first. */
  merge(cpu: number): void {
    for (let order = 0; order < this.#blocks.top; order++) {
      const blocks = this.lists[cpu]!.filter((block) => block.order === order)
      for (const low of blocks.toSorted((a, b) => a.pfn - b.pfn)) {
        const high = blocks.find(({ pfn }) => pfn === low.pfn + 2 ** order)
        if ((low.pfn / 2 ** order) % 2 !== 0 || high === undefined) continue
        if (this.#blocks.frees === 'owner' && this.owners.get(this.#blockOf(low.pfn)) !== cpu) continue
        this.#drop(cpu, low)
        this.#drop(cpu, high)
        this.lists[cpu]!.push({ pfn: low.pfn, order: order + 1, type: low.type })
      }
    }
  }

  /** To the zone. A pageblock that is whole there belongs to nobody. `drained`: its owner may come for what lies there. */
  release(pfn: number, order: number, drained: boolean): void {
    const block = this.#blockOf(pfn)
    const owner = this.owners.get(block)
    this.buddy.release(pfn, order)
    const around = this.buddy.all().find((one) => pfn >= one.block.pfn && pfn < one.block.pfn + 2 ** one.block.order)!
    if (around.block.order < this.#blocks.top) {
      if (drained && owner !== undefined && !this.inParts[owner]!.includes(block)) this.inParts[owner]!.push(block)
      return
    }
    for (
      let one = this.#blockOf(around.block.pfn);
      one * this.#size < around.block.pfn + 2 ** around.block.order;
      one++
    ) {
      this.owners.delete(one)
      this.inParts.forEach((parts, cpu) => {
        this.inParts[cpu] = parts.filter((part) => part !== one)
      })
    }
  }
}
