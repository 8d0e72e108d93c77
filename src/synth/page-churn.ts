import { z } from 'zod'
import { type Random, randomOf } from '#kernel/numbers'
import { fitChurn } from './fit-churn.ts'
import { machineOf, machineParams } from './machine.ts'
import { type Block, Scene, type Use, type Who } from './scene.ts'
import { defineWorkload } from './workload.ts'

const rate = (help: string, perCpu: number) => z.number().min(0).max(1e6).default(perCpu).meta({ unit: '1/s', help })

const params = z.object({
  ...machineParams(1024),
  seconds: z.number().min(0.01).max(3600).default(1).meta({ unit: 's', help: 'Length of the trace.' }),
  burstsPerSecond: rate('Bursts of single pages that each CPU produces.', 400),
  burstPages: z.number().min(1).max(1e6).default(64).meta({ unit: 'pages', help: 'Pages of a burst, on average.' }),
  holdMs: z.number().min(0).max(1e6).default(5).meta({ unit: 'ms', help: 'How long a burst is held, in the middle.' }),
  crossShare: z.number().min(0).max(1).default(0.5).meta({ help: 'Share of bursts that another CPU consumes.' }),
  listedShare: z.number().min(0).max(1).default(0.5).meta({ help: 'Share of bursts freed as one list.' }),
  unmapsPerSecond: rate('Mappings that each CPU fills and unmaps.', 10),
  unmapPages: z.number().min(1).max(1e7).default(2000).meta({ unit: 'pages', help: 'Pages of a mapping, on average.' }),
  hugePerSecond: rate('Transparent huge pages that each CPU faults in.', 5),
  netBurstsPerSecond: rate('Bursts of order-3 blocks by the network card, on CPU 0.', 50),
  netBlocks: z.number().min(1).max(1e5).default(16).meta({ help: 'Order-3 blocks of a burst, on average.' }),
  pageNs: z.number().min(1).max(1e7).default(1000).meta({ unit: 'ns', help: 'From one page of a burst to the next.' }),
})
type Params = z.infer<typeof params>

/** A stream of bursts that one CPU allocates, and one CPU frees some time later. */
interface Stream {
  readonly from: Who
  readonly to: () => Who
  readonly use: Use
  readonly perSecond: number
  readonly blocks: number
  readonly listed: number
}

/** Pages that one CPU makes and another takes: per-CPU lists that only fill, and lists that only empty. */
export const pageChurn = defineWorkload({
  id: 'page-churn',
  title: 'bursts of pages made on one CPU and freed on another; large unmaps, huge pages, network buffers',
  source:
    'the situations that the series of seeds 000 and 003 were argued with: netperf (order-3 buffers, freed elsewhere), page-fault-test and pft (faults and unmaps)',
  leavesOut: 'reclaim; writes to files; a CPU that is too busy to do all this at once',
  params,
  fromCapture: fitChurn,
  create: (params, { seed, release }) => {
    const scene = new Scene(params.seconds, release)
    for (const stream of streamsOf(params, scene, seed))
      play(stream, params, scene, randomOf(seed, `${stream.use} ${stream.from.cpu} ${stream.blocks}`))
    return { demand: scene.finish(), machine: machineOf({ ...params, release }) }
  },
})

function streamsOf(params: Params, scene: Scene, seed: number): Stream[] {
  const workers = Array.from({ length: params.cpus }, (_, cpu): Who => ({ cpu, task: scene.task(1000 + cpu, 'churn') }))
  const choose = randomOf(seed, 'consumers')
  const consumerOf = (producer: Who) => (): Who => {
    if (workers.length === 1 || !choose.chance(params.crossShare)) return producer
    return workers[(producer.cpu + 1 + choose.below(workers.length - 1)) % workers.length]!
  }
  const card: Who = { cpu: 0, task: scene.task(0, '<idle>') }
  return [
    ...workers.flatMap((worker): Stream[] => [
      {
        from: worker,
        to: consumerOf(worker),
        use: 'anonymous',
        perSecond: params.burstsPerSecond,
        blocks: params.burstPages,
        listed: params.listedShare,
      },
      {
        from: worker,
        to: () => worker,
        use: 'anonymous',
        perSecond: params.unmapsPerSecond,
        blocks: params.unmapPages,
        listed: 1,
      },
      { from: worker, to: () => worker, use: 'huge', perSecond: params.hugePerSecond, blocks: 1, listed: 0 },
    ]),
    {
      from: card,
      to: () => workers[choose.below(workers.length)]!,
      use: 'network',
      perSecond: params.netBurstsPerSecond,
      blocks: params.netBlocks,
      listed: 0,
    },
  ]
}

function play(stream: Stream, { pageNs, holdMs }: Params, scene: Scene, random: Random): void {
  const { from, to, use, perSecond, blocks, listed } = stream
  for (let time = random.gapNs(perSecond); time < scene.end; time += random.gapNs(perSecond)) {
    const burst: (Block | undefined)[] = []
    const size = random.count(blocks)
    for (let at = 0; at < size; at++) burst.push(scene.alloc(time + at * pageNs, from, use))
    const consumer = to()
    const over = time + size * pageNs + random.around(holdMs * 1e6, 0.7)
    if (random.chance(listed)) scene.freeList(over, consumer, burst)
    else
      burst.forEach((block, at) => {
        scene.free(over + at * pageNs, consumer, block)
      })
  }
}
