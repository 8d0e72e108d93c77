import { z } from 'zod'
import type { Machine } from '#kernel'
import { type Random, randomOf } from '#kernel/numbers'
import { machineOf, machineParams } from './machine.ts'
import { type Block, Scene, type Who } from './scene.ts'
import { defineWorkload } from './workload.ts'

const params = z.object({
  ...machineParams(320),
  isolated: z
    .int()
    .min(0)
    .max(1023)
    .default(1)
    .meta({ help: 'How many CPUs, the last ones, are isolated and take no part in it.' }),
  seconds: z.number().min(0.01).max(3600).default(2).meta({ unit: 's', help: 'Length of the trace.' }),
  readsPerSecond: z
    .number()
    .min(0)
    .max(1e6)
    .default(1500)
    .meta({ unit: '1/s', help: 'Reads of 32 pages into the page cache by each CPU that is not isolated.' }),
  fullAtStart: z
    .number()
    .min(0)
    .max(1)
    .default(0.9)
    .meta({ help: 'Share of memory that the page cache holds at the start.' }),
  reclaimPerSecond: z
    .number()
    .min(1)
    .max(1e8)
    .default(100_000)
    .meta({ unit: 'pages/s', help: 'How fast kswapd reclaims.' }),
  drainShare: z
    .number()
    .min(0)
    .max(1)
    .default(0.05)
    .meta({ help: 'Share of direct reclaims that still find no page and ask every CPU’s lists to be drained.' }),
  isolatedBurstsPerSecond: z
    .number()
    .min(0)
    .max(1e6)
    .default(300)
    .meta({ unit: '1/s', help: 'Bursts of pages that each isolated CPU allocates and frees.' }),
  isolatedBurstPages: z.number().min(1).max(1e6).default(16).meta({ unit: 'pages', help: 'Pages of one, on average.' }),
})
type Params = z.infer<typeof params>

/** Pages of one read-ahead, and of one turn of reclaim (SWAP_CLUSTER_MAX). */
const CLUSTER = 32
const PAGE_NS = 1000
/** A direct reclaim of one cluster. */
const RECLAIM_NS = 200_000

/** Readers fill memory on housekeeping CPUs; isolated CPUs do little, but their lists hold pages that drains want. */
export const pressure = defineWorkload({
  id: 'pressure',
  title:
    'page-cache reads beyond memory: kswapd, direct reclaim, drain requests; isolated CPUs with pages on their lists',
  source:
    'balance_pgdat(), __alloc_pages_direct_reclaim(), mm/vmscan.c and mm/page_alloc.c, v6.1: when each begins; rates are ours',
  leavesOut: 'swap, dirty pages, compaction; reclaim takes the oldest page-cache pages',
  params,
  fromCapture: 'page events do not show how much of memory the page cache holds, nor what reclaim could take of it',
  create: (params, { seed, release }) => {
    const scene = new Scene(params.seconds, release)
    const machine = machineOf({ ...params, release })
    read(scene, machine, params, randomOf(seed, 'read'))
    for (const cpu of machine.isolated) churn(scene, cpu, params, randomOf(seed, `isolated ${cpu}`))
    return { demand: scene.finish(), machine }
  },
})

function churn(scene: Scene, cpu: number, params: Params, random: Random): void {
  const who: Who = { cpu, task: scene.task(3000 + cpu, 'isolated') }
  const { isolatedBurstsPerSecond: rate, isolatedBurstPages } = params
  for (let time = random.gapNs(rate); time < scene.end; time += random.gapNs(rate)) {
    const pages = Array.from({ length: random.count(isolatedBurstPages) }, (_, at) =>
      scene.alloc(time + at * PAGE_NS, who, 'anonymous'),
    )
    scene.freeList(time + pages.length * PAGE_NS + random.around(1e6, 0.7), who, pages)
  }
}

/** The readers, and the reclaim that they cause, in order of time: each looks at what is free. */
function read(scene: Scene, machine: Machine, params: Params, random: Random): void {
  const readers = machine.cpus
    .filter((cpu) => !machine.isolated.includes(cpu))
    .map((cpu) => ({ cpu, task: scene.task(3000 + cpu, 'read'), next: random.gapNs(params.readsPerSecond) }))
  if (readers.length === 0) return
  const sum = (of: 'managed' | 'min' | 'low' | 'high') => machine.zones.reduce((all, zone) => all + zone[of], 0)
  const [min, low, high] = [sum('min'), sum('low'), sum('high')]
  let free = sum('managed')
  const cache: (Block | undefined)[] = []
  let oldest = 0
  const reclaim = (time: number, who: Who): void => {
    scene.freeList(time, who, cache.slice(oldest, oldest + CLUSTER))
    free += Math.min(CLUSTER, cache.length - oldest)
    oldest = Math.min(oldest + CLUSTER, cache.length)
  }
  for (let page = Math.floor(free * params.fullAtStart); page > 0; page--, free--)
    cache.push(scene.alloc(-1, readers[0]!, 'cache'))

  const kswapd: Who = { cpu: readers.at(-1)!.cpu, task: scene.task(50, 'kswapd0') }
  const turnNs = (CLUSTER / params.reclaimPerSecond) * 1e9
  let turn = Number.POSITIVE_INFINITY
  for (;;) {
    const reader = readers.reduce((first, one) => (one.next < first.next ? one : first))
    const now = Math.min(turn, reader.next)
    if (now >= scene.end) return
    if (now === turn) {
      reclaim(now, kswapd)
      turn = free < high && oldest < cache.length ? now + turnNs : Number.POSITIVE_INFINITY
      if (turn === Number.POSITIVE_INFINITY) scene.kswapdSleep(now + PAGE_NS, kswapd)
      continue
    }
    reader.next = now + random.gapNs(params.readsPerSecond)
    if (free < low && turn === Number.POSITIVE_INFINITY && oldest < cache.length) {
      scene.kswapdWake(now, kswapd)
      turn = now + turnNs
    }
    let begin = now
    if (free - CLUSTER < min) {
      scene.directReclaim(now, now + RECLAIM_NS, reader, CLUSTER)
      reclaim(now + RECLAIM_NS / 2, reader)
      begin = now + RECLAIM_NS + PAGE_NS
      if (random.chance(params.drainShare)) scene.drainRequest(begin, reader)
      reader.next = Math.max(reader.next, begin + CLUSTER * PAGE_NS)
    }
    if (free <= CLUSTER) continue
    for (let page = 1; page <= CLUSTER; page++) cache.push(scene.alloc(begin + page * PAGE_NS, reader, 'cache'))
    free -= CLUSTER
  }
}
