/** A line of /proc/slabinfo. Caches that the allocator merged stand there under one of their names. */
export interface SlabInfo {
  readonly name: string
  /** Objects that are not free in their slab. */
  readonly active: number
  readonly objects: number
  /** Bytes from one object to the next. */
  readonly size: number
  readonly perSlab: number
  readonly pagesPerSlab: number
  readonly slabs: number
}

/** A file below /sys/kernel/slab/CACHE: its first number, and those of CPUs (`C2=17`) where it has some. */
export interface SlabStat {
  readonly total: number
  readonly cpus: Readonly<Record<number, number>>
  /** What follows the first number: of partial slabs, objects and slabs in one word. */
  readonly text: string
}

/** What the slab allocator said of itself at one moment. */
export interface SlabCounters {
  readonly info: readonly SlabInfo[]
  /** By cache as /sys/kernel/slab names it (`:a-0000192`: merged ones), and by file. */
  readonly stats: Readonly<Record<string, Readonly<Record<string, SlabStat>>>>
}
