import { z } from 'zod'
import { type Machine, type Release, unknownMachine, type Zone } from '#kernel'
import { UsageError } from '#kernel/messages'
import { factsOf } from '#kernel/releases'

/** Parameters of a machine, for the workloads that have one of their own. */
export const machineParams = (memoryMiB: number) => ({
  cpus: z.int().min(1).max(1024).default(4).meta({ help: 'CPUs.' }),
  memoryMiB: z
    .int()
    .min(64)
    .max(2 ** 22)
    .default(memoryMiB)
    .meta({ unit: 'MiB', help: 'Memory that the allocator manages.' }),
})

const PAGES_PER_MIB = 256
const PAGEBLOCK_ORDER = 9
/** Where the zone DMA32 ends on x86-64. */
const DMA32_END = 2 ** 20
/** PCI devices take the last of it. */
const DMA32_PAGES = 3 * 1024 * PAGES_PER_MIB

interface Wanted {
  readonly release: Release
  readonly cpus: number
  readonly memoryMiB: number
  /** How many CPUs, the last ones, are isolated. */
  readonly isolated?: number
}

/**
 * An x86-64 machine with hugetlb and THP, one node: DMA32 up to 3 GiB, the rest in Normal above 4 GiB. Lists begin empty.
 * Watermarks as init_per_zone_wmark_min(), set_recommended_min_free_kbytes() and __setup_per_zone_wmarks() set them
 * (mm/page_alloc.c, mm/khugepaged.c, v6.1).
 */
export function machineOf({ release, cpus, memoryMiB, isolated = 0 }: Wanted): Machine {
  const pages = memoryMiB * PAGES_PER_MIB
  const spans = [
    { name: 'DMA32', startPfn: 512, managed: Math.min(pages, DMA32_PAGES) - 512 },
    { name: 'Normal', startPfn: DMA32_END, managed: pages - DMA32_PAGES },
  ].filter(({ managed }) => managed > 0)
  const managedPages = spans.reduce((sum, { managed }) => sum + managed, 0)
  const least = Math.min(Math.max(Math.trunc(Math.sqrt(16 * managedPages * 4) / 4), 32), 65_536)
  // Two pageblocks a zone, and one for each pair of migratetypes that may mix.
  const forBlocks = Math.min(2 ** PAGEBLOCK_ORDER * spans.length * (2 + 9), managedPages / 20)
  const minFree = Math.max(least, forBlocks)
  const zones = spans.map(({ name, startPfn, managed }): Zone => {
    const min = Math.trunc((minFree * managed) / managedPages)
    const step = Math.max(min >> 2, Math.trunc(managed / 1000))
    return {
      node: 0,
      name,
      startPfn,
      spanned: managed,
      present: managed,
      managed,
      free: managed,
      min,
      low: min + step,
      high: min + 2 * step,
      ...(!factsOf(release).printsPromo ? {} : { promo: min + 3 * step }),
      pagesets: [],
    }
  })
  const numbers = Array.from({ length: cpus }, (_, cpu) => cpu)
  if (isolated >= cpus) throw new UsageError(`isolated=${isolated} of ${cpus} CPUs leaves none to work`)
  const away = numbers.slice(cpus - isolated)
  return {
    ...unknownMachine,
    release,
    cpus: numbers,
    isolated: away,
    nodes: [{ node: 0, cpus: numbers }],
    zones,
    pageblockOrder: PAGEBLOCK_ORDER,
    cma: false,
    preemption: 'voluntary',
    cmdline: isolated === 0 ? 'quiet' : `quiet isolcpus=${away} nohz_full=${away}`,
    assumed: [],
  }
}
