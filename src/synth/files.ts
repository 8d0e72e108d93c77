import { z } from 'zod'
import { type Random, randomOf } from '#kernel/numbers'
import { machineOf, machineParams } from './machine.ts'
import { type Block, Scene, type Use, type Who } from './scene.ts'
import { defineWorkload } from './workload.ts'

const params = z.object({
  ...machineParams(1024),
  seconds: z.number().min(0.01).max(3600).default(1).meta({ unit: 's', help: 'Length of the trace.' }),
  opensPerSecond: z
    .number()
    .min(0)
    .max(1e6)
    .default(2000)
    .meta({ unit: '1/s', help: 'Files that each CPU opens and closes again; inodes and dentries come by slabs.' }),
  filesPerSlab: z.number().min(1).max(1e4).default(16).meta({ help: 'Files whose inodes one slab of order 2 holds.' }),
  writesPerSecond: z.number().min(0).max(1e6).default(100).meta({ unit: '1/s', help: 'Files that each CPU writes.' }),
  filePages: z
    .number()
    .min(1)
    .max(1e6)
    .default(32)
    .meta({ unit: 'pages', help: 'Pages of a written file, on average.' }),
  fileMs: z.number().min(0).max(1e7).default(20).meta({ unit: 'ms', help: 'From writing to unlink, in the middle.' }),
  unlinkElsewhere: z.number().min(0).max(1).default(0.3).meta({ help: 'Share of files unlinked on another CPU.' }),
  forksPerSecond: z.number().min(0).max(1e5).default(50).meta({ unit: '1/s', help: 'Processes that each CPU forks.' }),
  processPages: z
    .number()
    .min(1)
    .max(1e7)
    .default(60)
    .meta({ unit: 'pages', help: 'Anonymous pages that a process touches, on average.' }),
  processMs: z
    .number()
    .min(0)
    .max(1e7)
    .default(8)
    .meta({ unit: 'ms', help: 'How long a process lives, in the middle.' }),
})
type Params = z.infer<typeof params>

/** From one page to the next of a process or file. */
const PAGE_NS = 1500
/** Page tables of a small process: one a level, and one for each of text, heap, stack and libraries. */
const TABLES = 8
/** THREAD_SIZE on x86-64: 16 KiB, vmapped. */
const STACK_PAGES = 4
/** When the last page of a dead process’s stack is freed: after a grace period. */
const STACK_FREE_NS = 10e6

/** Small allocations that come and go with files and processes. */
export const files = defineWorkload({
  id: 'files',
  title: 'files opened, written and unlinked; processes forked that exit soon',
  source:
    'do_sys_open(), page_cache_ra_unbounded(), copy_process(), exit_mmap(), free_vmap_stack(): what each allocates, v6.1; rates are ours',
  leavesOut: 'writeback, directories, copy-on-write of shared pages; slabs that are freed',
  params,
  fromCapture: 'page events do not show which pages are of one file, slab or process',
  create: (params, { seed, release }) => {
    const scene = new Scene(params.seconds, release)
    const workers = Array.from({ length: params.cpus }, (_, cpu) => ({ cpu, task: scene.task(2000 + cpu, 'files') }))
    for (const worker of workers) {
      const random = (name: string) => randomOf(seed, `${name} ${worker.cpu}`)
      open(scene, worker, params, random('open'))
      write(scene, worker, workers, params, random('write'))
      fork(scene, worker, params, random('fork'))
    }
    return { demand: scene.finish(), machine: machineOf({ ...params, release }) }
  },
})

function open(scene: Scene, who: Who, { opensPerSecond, filesPerSlab }: Params, random: Random): void {
  const slabs = opensPerSecond / filesPerSlab
  for (let time = random.gapNs(slabs); time < scene.end; time += random.gapNs(slabs)) scene.alloc(time, who, 'inodes')
}

function write(scene: Scene, who: Who, workers: readonly Who[], params: Params, random: Random): void {
  const { writesPerSecond, filePages, fileMs, unlinkElsewhere } = params
  for (let time = random.gapNs(writesPerSecond); time < scene.end; time += random.gapNs(writesPerSecond)) {
    const pages = several(scene, time, who, 'cache', random.count(filePages))
    const over = time + pages.length * PAGE_NS + random.around(fileMs * 1e6, 0.7)
    const elsewhere = random.chance(unlinkElsewhere) ? workers[random.below(workers.length)]! : who
    scene.freeList(over, elsewhere, pages)
  }
}

function fork(scene: Scene, parent: Who, params: Params, random: Random): void {
  const { forksPerSecond, processPages, processMs } = params
  let pid = 10_000 * (parent.cpu + 1)
  for (let time = random.gapNs(forksPerSecond); time < scene.end; time += random.gapNs(forksPerSecond)) {
    const child: Who = { cpu: parent.cpu, task: scene.task(pid++, 'child') }
    const stack = several(scene, time, parent, 'stack', STACK_PAGES)
    const tables = several(scene, time + STACK_PAGES * PAGE_NS, child, 'table', TABLES)
    const begin = time + (STACK_PAGES + TABLES) * PAGE_NS
    const touched = several(scene, begin, child, 'anonymous', random.count(processPages))
    const exit = begin + touched.length * PAGE_NS + random.around(processMs * 1e6, 0.7)
    scene.freeList(exit, child, touched)
    tables.forEach((table, at) => {
      scene.free(exit + (at + 1) * PAGE_NS, child, table)
    })
    const rest: Who = { cpu: parent.cpu, task: scene.task(15, 'kworker/events') }
    stack.forEach((page, at) => {
      scene.free(exit + STACK_FREE_NS + at * PAGE_NS, rest, page)
    })
  }
}

const several = (scene: Scene, time: number, who: Who, use: Use, count: number): (Block | undefined)[] =>
  Array.from({ length: count }, (_, at) => scene.alloc(time + at * PAGE_NS, who, use))
