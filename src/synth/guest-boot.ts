import { z } from 'zod'
import { type Random, randomOf } from '#kernel/numbers'
import { machineOf, machineParams } from './machine.ts'
import { type Block, Scene, type Use, type Who } from './scene.ts'
import { defineWorkload } from './workload.ts'

const mib = (help: string, amount: number) => z.number().min(0).max(1e6).default(amount).meta({ unit: 'MiB', help })

const params = z.object({
  cpus: machineParams(0).cpus,
  memoryGiB: z.number().min(0.25).max(4096).default(4).meta({ unit: 'GiB', help: 'Memory of the guest.' }),
  kernelSeconds: z
    .number()
    .min(0.01)
    .max(600)
    .default(0.8)
    .meta({ unit: 's', help: 'From the first allocation to init.' }),
  userSeconds: z.number().min(0.01).max(600).default(1.2).meta({ unit: 's', help: 'From init to a shell.' }),
  kernelMiB: mib('Slabs and tables that the kernel allocates before init, on one CPU.', 48),
  kernelMiBPerGiB: mib('As much more for each GiB of the guest.', 1),
  kernelMiBPerCpu: mib('As much more for each CPU.', 2),
  initramfsMiB: mib('Files unpacked from the initramfs, as page cache.', 60),
  services: z.int().min(0).max(1e5).default(40).meta({ help: 'Processes that init starts, on all CPUs.' }),
  serviceCacheMiB: mib('Files that each reads, on average.', 2),
  serviceMiB: mib('Anonymous memory that each touches, on average.', 4),
  hugeShare: z.number().min(0).max(1).default(0.3).meta({ help: 'Share of it in transparent huge pages.' }),
  exitShare: z.number().min(0).max(1).default(0.6).meta({ help: 'Share of the processes that exit before the shell.' }),
})
type Params = z.infer<typeof params>

const PAGES_PER_MIB = 256
const PAGES_PER_HUGE = 512

/** Which slabs and tables a booting kernel allocates, by share of pages: an assumption. */
const KERNEL_USES: readonly (readonly [use: Use, share: number])[] = [
  ['slab', 0.3],
  ['table', 0.25],
  ['inodes', 0.25],
  ['taskStructs', 0.2],
]

/** A virtual machine from its first page allocation to a shell. */
export const guestBoot = defineWorkload({
  id: 'guest-boot',
  title: 'a guest boots: the kernel on one CPU, then services on all, up to a shell',
  source:
    'start_kernel() to a shell: order of the phases, v6.12. All amounts and times are assumptions of ours: set them to your guest’s',
  leavesOut: 'what memblock gives out before the page allocator is there (the page array, hash tables); devices',
  params,
  fromCapture: 'a capture begins on a running machine, and shows neither its boot nor its services',
  create: (params, { seed, release }) => {
    const scene = new Scene(params.kernelSeconds + params.userSeconds, release)
    kernel(scene, params, randomOf(seed, 'kernel'))
    for (let service = 0; service < params.services; service++)
      serve(scene, service, params, randomOf(seed, `service ${service}`))
    const machine = machineOf({ release, cpus: params.cpus, memoryMiB: Math.round(params.memoryGiB * 1024) })
    return { demand: scene.finish(), machine }
  },
})

/** Allocations of these uses, of about so many pages in all, spread over a span of time. */
function fill(
  scene: Scene,
  who: Who,
  from: number,
  span: number,
  pages: number,
  next: () => Use,
): (Block | undefined)[] {
  const blocks: (Block | undefined)[] = []
  for (let done = 0; done < pages; ) {
    const block = scene.alloc(from + (span * done) / pages, who, next())
    blocks.push(block)
    done += 2 ** (block?.order ?? 0)
  }
  return blocks
}

function kernel(scene: Scene, params: Params, random: Random): void {
  const { kernelSeconds, memoryGiB, cpus } = params
  const swapper: Who = { cpu: 0, task: scene.task(1, 'swapper/0') }
  const span = kernelSeconds * 1e9
  const own = params.kernelMiB + params.kernelMiBPerGiB * memoryGiB + params.kernelMiBPerCpu * cpus
  // Blocks of a higher order are fewer for the same pages.
  const uses = KERNEL_USES.map(([use, share]) => [use, share / 2 ** scene.orderOf(use)] as const)
  fill(scene, swapper, 0, span * 0.6, own * PAGES_PER_MIB, () => random.pick(uses))
  fill(scene, swapper, span * 0.6, span * 0.4, params.initramfsMiB * PAGES_PER_MIB, () => 'cache')
}

function serve(scene: Scene, service: number, params: Params, random: Random): void {
  const { kernelSeconds, userSeconds, cpus, hugeShare } = params
  const who: Who = { cpu: random.below(cpus), task: scene.task(200 + service, 'service') }
  const start = (kernelSeconds + userSeconds * 0.8 * random.uniform()) * 1e9
  const span = userSeconds * 1e9 * (0.02 + 0.1 * random.uniform())
  const stack = Array.from({ length: 4 }, () => scene.alloc(start, who, 'stack'))
  const cached = random.count(params.serviceCacheMiB * PAGES_PER_MIB)
  fill(scene, who, start, span / 2, cached, () => 'cache')
  const touched = random.count(params.serviceMiB * PAGES_PER_MIB)
  const isHuge = hugeShare / (hugeShare + (1 - hugeShare) * PAGES_PER_HUGE)
  const memory = fill(scene, who, start + span / 2, span / 2, touched, () =>
    random.chance(isHuge) ? 'huge' : 'anonymous',
  )
  const tables = fill(scene, who, start, span, 8 + touched / PAGES_PER_HUGE, () => 'table')
  if (!random.chance(params.exitShare)) return
  const exit = start + span * (1.2 + random.uniform())
  scene.freeList(exit, who, memory)
  for (const block of [...tables, ...stack]) scene.free(exit, who, block)
}
