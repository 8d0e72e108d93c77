import { type Events, Kind } from '#events'
import { Ask, type Demand, DemandBuilder, type WhatIf } from '#events/demand'
import type { Cpu, Ns, Order } from '#kernel'
import type { SlabRecord } from './recorded.ts'

/** Pages that slabs take from the page allocator and give back, in order of time. */
export interface SlabPages {
  readonly time: Ns[]
  readonly cpu: Cpu[]
  readonly order: Order[]
  /** Which slab: each is taken once, and given back once at most. */
  readonly slab: number[]
  readonly taken: boolean[]
}

export const noSlabPages = (): SlabPages => ({ time: [], cpu: [], order: [], slab: [], taken: [] })

/** Blocks that slabs took as recorded: the first of the slab’s order after allocate_slab() on its CPU. */
export function recordedSlabPages(events: Events, { caches }: SlabRecord): SlabPages {
  const { kind, slot, cpu, time, length, tables, strings } = events
  const { slab_slow_path: paths, mm_page_alloc: allocs } = tables
  const orders = new Map(
    caches.flatMap(({ pointer, shape }) => (pointer === undefined ? [] : [[pointer, shape.order]])),
  )
  const pages = noSlabPages()
  const making: (Order | undefined)[] = []
  for (let row = 0; row < length; row++) {
    const at = slot[row]!
    const on = cpu[row]!
    if (kind[row] === Kind.slab_slow_path) {
      if (strings.get(paths.column.recordedAs.data[at]!) === 'allocate_slab')
        making[on] = orders.get(Number(paths.column.cache.data[at]! & 0x1f_ffff_ffff_ffffn))
    } else if (kind[row] === Kind.mm_page_alloc && making[on] === allocs.column.order.data[at]) {
      making[on] = undefined
      pages.time.push(time[row]!)
      pages.cpu.push(on)
      pages.order.push(allocs.column.order.data[at]!)
      pages.slab.push(pages.slab.length)
      pages.taken.push(true)
    }
  }
  return pages
}

const keyOf = (time: Ns, cpu: Cpu, order: Order): string => `${time} ${cpu} ${order}`

/** Blocks of a demand that slabs took, and what such a request looks like. */
function slabBlocks(
  { length, start, ask, time, cpu, order, block, migratetype, gfpFlags, task, zone }: Demand,
  own: SlabPages,
) {
  const wanted = new Set(own.time.map((at, row) => keyOf(at, own.cpu[row]!, own.order[row]!)))
  const blocks = new Set<number>()
  let like = { migratetype: 0, gfpFlags: 0, task: 0, zone: 0 }
  for (let row = start; row < length; row++) {
    if (ask[row] !== Ask.alloc || !wanted.has(keyOf(time[row]!, cpu[row]!, order[row]!))) continue
    blocks.add(block[row]!)
    like = { migratetype: migratetype[row]!, gfpFlags: gfpFlags[row]!, task: task[row]!, zone: zone[row]! }
  }
  return { blocks, like }
}

export interface WithSlabPages {
  readonly whatIf: WhatIf
  /** Recorded blocks of slabs that were found in the demand, and that were not. */
  readonly found: number
  readonly missed: number
}

/**
 * A page demand in which slabs take what a slab policy took, instead of what they took as recorded. Slabs from before the trace are given
 * back as recorded.
 */
export function withSlabPages(whatIf: WhatIf, own: SlabPages, other: SlabPages): WithSlabPages {
  const { demand, start } = whatIf
  const { blocks, like } = slabBlocks(demand, own)
  const builder = new DemandBuilder()
  const tasks = demand.tasks.map(({ pid, comm }) => builder.task(pid, comm))
  let next = start.inUse.block.reduce((most, block) => Math.max(most, block), 0)
  for (let row = 0; row < demand.length; row++) {
    const block = demand.block[row]!
    next = Math.max(next, block)
    const isOfBlock = demand.ask[row]! <= Ask.freeListed || demand.ask[row] === Ask.unseenAlloc
    if (isOfBlock && blocks.has(block)) continue
    builder.push({
      time: demand.time[row]!,
      ask: demand.ask[row]!,
      cpu: demand.cpu[row]!,
      task: tasks[demand.task[row]!] ?? 0,
      block,
      offset: demand.offset[row]!,
      zone: demand.zone[row]!,
      order: demand.order[row]!,
      migratetype: demand.migratetype[row]!,
      gfpFlags: demand.gfpFlags[row]!,
      lockHeld: demand.lockHeld[row] === 1,
      lead: demand.lead[row]!,
    })
  }
  const blockOf = new Map<number, number>()
  for (const [row, slab] of other.slab.entries()) {
    if (other.taken[row] === true) blockOf.set(slab, ++next)
    const block = blockOf.get(slab)
    if (block === undefined) continue
    builder.push({
      time: other.time[row]!,
      cpu: other.cpu[row]!,
      order: other.order[row]!,
      ask: other.taken[row] === true ? Ask.alloc : Ask.free,
      block,
      ...like,
      task: tasks[like.task] ?? 0,
    })
  }
  return {
    whatIf: { ...whatIf, demand: builder.finish() },
    found: blocks.size,
    missed: own.slab.length - blocks.size,
  }
}
