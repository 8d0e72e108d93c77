/**
 * The buddy written down a second time, as plainly as can be: free lists are arrays of blocks, the head first. What `Buddy` must agree
 * with, page by page.
 */
interface Block {
  pfn: number
  order: number
}

const MAX = 10
const fallbacks = [
  [2, 1],
  [2, 0],
  [0, 1],
]

export class SlowBuddy {
  lists = new Map<string, Block[]>()
  types: number[]
  pageblockOrder: number
  claims: boolean

  constructor(types: number[], pageblockOrder: number, family: 'steal' | 'claim') {
    this.types = types
    this.pageblockOrder = pageblockOrder
    this.claims = family === 'claim'
  }

  list(order: number, type: number): Block[] {
    const key = `${order}/${type}`
    if (!this.lists.has(key)) this.lists.set(key, [])
    return this.lists.get(key)!
  }

  all(): { block: Block; order: number; type: number }[] {
    return [...this.lists].flatMap(([key, blocks]) => {
      const [order, type] = key.split('/').map(Number) as [number, number]
      return blocks.map((block) => ({ block, order, type }))
    })
  }

  typeOf(pfn: number): number {
    return this.types[Math.floor(pfn / 2 ** this.pageblockOrder)]!
  }

  setTypes(pfn: number, order: number, type: number): void {
    for (let page = pfn; page < pfn + 2 ** order; page += 2 ** this.pageblockOrder)
      this.types[Math.floor(page / 2 ** this.pageblockOrder)] = type
  }

  find(pfn: number, order: number): { block: Block; order: number; type: number } | undefined {
    return this.all().find(({ block }) => block.pfn === pfn && block.order === order)
  }

  remove({ block, order, type }: { block: Block; order: number; type: number }): void {
    const list = this.list(order, type)
    list.splice(list.indexOf(block), 1)
  }

  release(pfn: number, order: number): void {
    const type = this.typeOf(pfn)
    let block = { pfn, order }
    while (block.order < MAX) {
      const size = 2 ** block.order
      const buddyPfn = Math.floor(block.pfn / size) % 2 === 0 ? block.pfn + size : block.pfn - size
      const buddy = this.find(buddyPfn, block.order)
      if (buddy === undefined) break
      const low = Math.min(block.pfn, buddyPfn)
      if (block.order >= this.pageblockOrder && this.typeOf(buddyPfn) !== type) {
        if (this.typeOf(buddyPfn) === 3 || type === 3) break
        if (this.claims) this.setTypes(low, block.order + 1, type)
      }
      this.remove(buddy)
      block = { pfn: low, order: block.order + 1 }
    }
    const parentSize = 2 ** (block.order + 1)
    const parent = Math.floor(block.pfn / parentSize) * parentSize
    const uncle = Math.floor(parent / parentSize) % 2 === 0 ? parent + parentSize : parent - parentSize
    if (block.order < MAX - 1 && this.find(uncle, block.order + 1) !== undefined)
      this.list(block.order, type).push(block)
    else this.list(block.order, type).unshift(block)
  }

  take(order: number, type: number): number {
    const own = this.smallest(order, type, type)
    if (own >= 0 || type > 2) return own
    return this.claims ? this.claim(order, type) : this.steal(order, type)
  }

  smallest(order: number, from: number, rest: number): number {
    for (let level = order; level <= MAX; level++) {
      const block = this.list(level, from).shift()
      if (block !== undefined) return this.split(block, order, rest)
    }
    return -1
  }

  split(block: Block, order: number, type: number): number {
    for (let level = block.order - 1; level >= order; level--)
      this.list(level, type).unshift({ pfn: block.pfn + 2 ** level, order: level })
    return block.pfn
  }

  other(order: number, type: number): number | undefined {
    return fallbacks[type]!.find((candidate) => this.list(order, candidate).length > 0)
  }

  worth(order: number, type: number): boolean {
    return type !== 1 || order >= Math.floor(this.pageblockOrder / 2)
  }

  blocksAround(pfn: number) {
    const of = (page: number) => Math.floor(page / 2 ** this.pageblockOrder)
    return this.all()
      .filter(({ block }) => of(block.pfn) === of(pfn))
      .sort((a, b) => a.block.pfn - b.block.pfn)
  }

  moveAll(pfn: number, type: number): void {
    for (const found of this.blocksAround(pfn)) {
      this.remove(found)
      this.list(found.order, type).push(found.block)
    }
  }

  isHalfFree(pfn: number): boolean {
    return this.blocksAround(pfn).reduce((sum, { order }) => sum + 2 ** order, 0) >= 2 ** this.pageblockOrder / 2
  }

  retypeAround(pfn: number, type: number): void {
    this.types[Math.floor(pfn / 2 ** this.pageblockOrder)] = type
  }

  steal(order: number, type: number): number {
    const orders = Array.from({ length: MAX - order + 1 }, (_, at) => order + at)
    const largest = orders.toReversed().find((level) => this.other(level, type) !== undefined)
    if (largest === undefined) return -1
    const whole = this.worth(largest, type)
    const found = whole ? largest : orders.find((level) => this.other(level, type) !== undefined)!
    const from = this.other(found, type)!
    const block = this.list(found, from)[0]!
    if (found >= this.pageblockOrder) {
      this.setTypes(block.pfn, found, type)
      this.remove({ block, order: found, type: from })
      this.list(found, type).push(block)
    } else if (whole) {
      if (this.isHalfFree(block.pfn)) this.retypeAround(block.pfn, type)
      this.moveAll(block.pfn, type)
    } else {
      this.remove({ block, order: found, type: from })
      this.list(found, type).push(block)
    }
    return this.smallest(order, type, type)
  }

  claim(order: number, type: number): number {
    for (let level = MAX; level >= order; level--) {
      const from = this.other(level, type)
      if (from === undefined) continue
      if (!this.worth(level, type)) break
      const block = this.list(level, from)[0]!
      if (level >= this.pageblockOrder) {
        this.remove({ block, order: level, type: from })
        this.setTypes(block.pfn, level, type)
        return this.split(block, order, type)
      }
      if (!this.isHalfFree(block.pfn)) continue
      this.moveAll(block.pfn, type)
      this.retypeAround(block.pfn, type)
      return this.smallest(order, type, type)
    }
    for (let level = order; level <= MAX; level++) {
      const from = this.other(level, type)
      if (from !== undefined) return this.smallest(order, from, from)
    }
    return -1
  }
}
