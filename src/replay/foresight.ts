import { Ask, PAST_LISTS, type WhatIf } from '#events/demand'
import type { Pages } from '#kernel'
import { allOrderLists } from '#policies/pcp'
import { listTable } from '#sim'
import type { Held } from './result.ts'
/** Work under zone->lock that no list rules could have done with less of, or could have needed more than. */
export interface LockWork {
  readonly pages: Pages
  /** Times taken. */
  readonly takes: number
}

const NEVER = 0xffff_ffff
/** No list keeps such blocks. */
const DIRECT = -1

/**
 * What list rules that know the future could do with a demand. The lists are those of 6.1 to 7.2, one by order and migratetype; rules that
 * keep fewer kinds of blocks only give the others back at once.
 *
 * *Pages*: they come from the buddy one by one when a list is empty, and when a pageset would hold more than it may, those go whose
 * turn to be used comes last (Belady’s rule). A block of order k counts as 1 << k pages that go and come apart, for which this is the
 * least; for whole blocks it is a lower bound. *Takes*: each may leave any pages of the pageset’s room on any of its lists, as they
 * serve longest. One plan need not reach both.
 */
export class Foresight {
  /** What each operation does, in order; `use` of a free: the number of the operation that takes the block off the list again. */
  readonly #pset: Uint16Array
  readonly #class: Int8Array
  readonly #free: Uint8Array
  readonly #order: Uint8Array
  readonly #use: Uint32Array
  /** By pageset and class: operations that take what lay there when the trace began, the first first. */
  readonly #fromStart: readonly Uint32Array[]
  readonly #classes: number
  readonly #classOf: Int8Array
  readonly #psets: number
  /** Without lists: every operation on its own. */
  readonly none: LockWork
  /** What was found, by start and peak: many policies have these in common. */
  readonly #known = new Map<string, LockWork>()

  constructor({ demand, machine, zones, cpus }: WhatIf) {
    const { length, ask, cpu, zone, order, migratetype } = demand
    const lists = allOrderLists(machine.pageblockOrder)
    const classOf = listTable(lists)
    this.#classOf = classOf
    this.#classes = lists.lists
    this.#psets = cpus * zones.length
    const most = length
    this.#pset = new Uint16Array(most)
    this.#class = new Int8Array(most)
    this.#free = new Uint8Array(most)
    this.#order = new Uint8Array(most)
    this.#use = new Uint32Array(most).fill(NEVER)
    const open: number[][] = Array.from({ length: this.#psets * this.#classes }, () => [])
    const fromStart: number[][] = open.map(() => [])
    let at = 0
    let pages = 0
    const add = (pset: number, free: boolean, order: number, type: number) => {
      const kind = type === PAST_LISTS ? DIRECT : classOf[order * 4 + type]!
      this.#pset[at] = pset
      this.#class[at] = kind
      this.#free[at] = Number(free)
      this.#order[at] = order
      pages += 1 << order
      if (kind !== DIRECT) {
        const list = pset * this.#classes + kind
        if (free) open[list]!.push(at)
        else {
          const source = open[list]!.pop()
          if (source === undefined) fromStart[list]!.push(at)
          else this.#use[source] = at
        }
      }
      at++
    }
    for (let row = 0; row < length; row++) {
      const isFree = ask[row] === Ask.free
      if (isFree || ask[row] === Ask.alloc || ask[row] === Ask.bulkAlloc)
        add(cpu[row]! * zones.length + zone[row]!, isFree, order[row]!, migratetype[row]!)
    }
    this.none = { pages, takes: at }
    this.#fromStart = fromStart.map((uses) => Uint32Array.from(uses))
  }

  /** The least that rules could need which start with as much on their lists and never hold more. */
  least({ start, peak }: Held): LockWork {
    const held = `${start} ${peak}`
    const least = this.#known.get(held) ?? {
      pages: this.#leastPages(start, peak),
      takes: this.#leastTakes(start, peak),
    }
    this.#known.set(held, least)
    return { ...least }
  }

  /** Pages that lay on each list when the trace began. */
  #startOf(start: Int32Array): Int32Array {
    const kinds = this.#classOf.length
    const pages = new Int32Array(this.#psets * this.#classes)
    for (let at = 0; at < start.length; at++) {
      const kind = this.#classOf[at % kinds]!
      if (kind !== DIRECT)
        pages[Math.trunc(at / kinds) * this.#classes + kind]! += start[at]! << Math.trunc((at % kinds) / 4)
    }
    return pages
  }

  #leastPages(start: Int32Array, peak: Int32Array): Pages {
    const stacks = this.#fromStart.map(() => new Stack())
    const held = new Int32Array(this.#psets)
    this.#startOf(start).forEach((pages, list) => {
      const uses = this.#fromStart[list]!
      if (pages === 0) return
      held[Math.trunc(list / this.#classes)]! += pages
      const size = uses.length === 0 ? 1 : 1 << this.#order[uses[0]!]!
      const used = Math.min(uses.length * size, pages)
      if (used < pages) stacks[list]!.push(NEVER, pages - used)
      for (let at = Math.ceil(used / size) - 1; at >= 0; at--)
        stacks[list]!.push(uses[at]!, Math.min(size, used - at * size))
    })
    let moved = 0
    for (let at = 0; at < this.none.takes; at++) {
      const size = 1 << this.#order[at]!
      const pset = this.#pset[at]!
      if (this.#class[at] === DIRECT) {
        moved += size
        continue
      }
      const base = pset * this.#classes
      const stack = stacks[base + this.#class[at]!]!
      if (this.#free[at] === 0) {
        const found = stack.take(size)
        moved += size - found
        held[pset]! -= found
        continue
      }
      stack.push(this.#use[at]!, size)
      held[pset]! += size
      while (held[pset]! > peak[pset]!) {
        let last = base
        for (let list = base; list < base + this.#classes; list++)
          if (stacks[list]!.bottomUse > stacks[last]!.bottomUse) last = list
        const gone = stacks[last]!.giveBack(held[pset]! - peak[pset]!)
        held[pset]! -= gone
        moved += gone
      }
    }
    return moved
  }

  #leastTakes(start: Int32Array, peak: Int32Array): number {
    const classes = this.#classes
    /** Pages that each list must hold when the stretch without a take begins; until the first take, those that it does hold. */
    const needed = this.#startOf(start)
    const used = new Int32Array(needed.length)
    const neededSum = new Int32Array(this.#psets)
    needed.forEach((pages, list) => {
      neededSum[Math.trunc(list / classes)]! += pages
    })
    const usedSum = new Int32Array(this.#psets)
    const leastUsed = new Int32Array(this.#psets)
    const chosen = new Uint8Array(this.#psets)
    let takes = 0
    for (let at = 0; at < this.none.takes; at++) {
      if (this.#class[at] === DIRECT) {
        takes++
        continue
      }
      const pset = this.#pset[at]!
      const list = pset * classes + this.#class[at]!
      const size = this.#free[at] === 1 ? -(1 << this.#order[at]!) : 1 << this.#order[at]!
      used[list]! += size
      usedSum[pset]! += size
      if (usedSum[pset]! < leastUsed[pset]!) leastUsed[pset] = usedSum[pset]!
      const short = used[list]! - needed[list]!
      if (short > 0) {
        needed[list]! += short
        neededSum[pset]! += short
      }
      if ((short > 0 && chosen[pset] === 0) || neededSum[pset]! - leastUsed[pset]! > peak[pset]!) {
        takes++
        chosen[pset] = 1
        needed.fill(0, pset * classes, (pset + 1) * classes)
        used.fill(0, pset * classes, (pset + 1) * classes)
        neededSum[pset] = usedSum[pset] = leastUsed[pset] = 0
      }
    }
    return takes
  }
}

/** One list: what was freed last is used first, so that what lies at the bottom is used last. */
class Stack {
  readonly #uses: number[] = []
  readonly #pages: number[] = []
  #bottom = 0
  #top = 0
  /** When what lies at the bottom is used; −1: nothing lies there. */
  bottomUse = -1

  push(use: number, pages: Pages): void {
    if (this.#top === this.#bottom) this.bottomUse = use
    this.#uses[this.#top] = use
    this.#pages[this.#top++] = pages
  }

  /** Takes up to `pages` from the top. Returns how many there were. */
  take(pages: Pages): Pages {
    let found = 0
    while (found < pages && this.#top > this.#bottom) {
      const top = this.#top - 1
      const part = Math.min(pages - found, this.#pages[top]!)
      found += part
      this.#pages[top]! -= part
      if (this.#pages[top] === 0) this.#top--
    }
    if (this.#top === this.#bottom) this.#clear()
    return found
  }

  /** Gives up to `pages` of the entry at the bottom back. Returns how many. */
  giveBack(pages: Pages): Pages {
    const part = Math.min(pages, this.#pages[this.#bottom]!)
    this.#pages[this.#bottom]! -= part
    if (this.#pages[this.#bottom] === 0) {
      this.#bottom++
      if (this.#top === this.#bottom) this.#clear()
      else this.bottomUse = this.#uses[this.#bottom]!
    }
    return part
  }

  #clear(): void {
    this.#bottom = 0
    this.#top = 0
    this.bottomUse = -1
  }
}
