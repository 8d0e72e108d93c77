import { Ask, type Demand } from '#events/demand'
import { type Machine, NS_PER_SECOND, type Ns } from '#kernel'

/** An allocation of one task so many times its usual gap after the last begins another burst. */
const PAUSE = 10
const PAGES_PER_MIB = 256
const HUGE_ORDER = 9
const NETWORK_ORDER = 3

const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1] ?? 0

/** Runs of allocations of one order by one task on one CPU. */
function burstsOf({ time, ask, cpu, task, order, start, length }: Demand, wanted: number) {
  const last = new Map<number, number>()
  const gaps: Ns[] = []
  let first = 0
  for (let row = start; row < length; row++) {
    if (ask[row] !== Ask.alloc || order[row] !== wanted) continue
    const who = cpu[row]! * 0x10000 + task[row]!
    const before = last.get(who)
    if (before === undefined) first++
    else gaps.push(time[row]! - before)
    last.set(who, time[row]!)
  }
  const gapNs = median([...gaps])
  const within = gaps.filter((gap) => gap <= gapNs * PAUSE)
  const allocs = gaps.length + first
  return { allocs, bursts: allocs - within.length, gapNs: median(within) }
}

/** The parameters of `page-churn` that a demand shows. Every burst counts as a burst, large mappings too. */
export function fitChurn(demand: Demand, { cpus, zones }: Machine): Record<string, number> {
  const { time, ask, cpu, block, order, start, length } = demand
  const seconds = length === start ? 0 : (time[length - 1]! - time[start]!) / NS_PER_SECOND
  const bornAt = new Map<number, number>()
  const ages: Ns[] = []
  let [elsewhere, listed] = [0, 0]
  for (let row = start; row < length; row++) {
    if (order[row] !== 0) continue
    if (ask[row] === Ask.alloc) bornAt.set(block[row]!, row)
    const born = ask[row] === Ask.free || ask[row] === Ask.freeListed ? bornAt.get(block[row]!) : undefined
    if (born === undefined) continue
    ages.push(time[row]! - time[born]!)
    if (cpu[row] !== cpu[born]) elsewhere++
    if (ask[row] === Ask.freeListed) listed++
  }
  const frees = Math.max(1, ages.length)
  const pages = burstsOf(demand, 0)
  const huge = burstsOf(demand, HUGE_ORDER)
  const network = burstsOf(demand, NETWORK_ORDER)
  const perCpu = seconds * cpus.length
  const burstPages = Math.max(1, pages.allocs / Math.max(1, pages.bursts))
  return {
    cpus: cpus.length,
    memoryMiB: Math.max(64, Math.round(zones.reduce((sum, { managed }) => sum + managed, 0) / PAGES_PER_MIB)),
    seconds,
    burstsPerSecond: pages.bursts / perCpu,
    burstPages,
    holdMs: Math.max(0, median(ages) - (burstPages * pages.gapNs) / 2) / 1e6,
    crossShare: elsewhere / frees,
    listedShare: listed / frees,
    unmapsPerSecond: 0,
    hugePerSecond: huge.allocs / perCpu,
    netBurstsPerSecond: network.bursts / seconds,
    netBlocks: Math.max(1, network.allocs / Math.max(1, network.bursts)),
    pageNs: Math.max(1, pages.gapNs),
  }
}
