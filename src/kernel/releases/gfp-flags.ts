/** Flags by name. Sources: include/linux/gfp.h (gfp_types.h from 6.0 on) and include/trace/events/mmflags.h (gfpflags.h before 4.6). */
export type GfpFlags = Readonly<Record<string, number>>

/** Composite names first, widest first, as the kernel prints them; then the flags themselves. */
export function withComposites(flags: GfpFlags): GfpFlags {
  const all = (...names: readonly string[]) => names.reduce((bits, name) => bits | (flags[`__GFP_${name}`] ?? 0), 0)
  const reclaim = all('WAIT', 'DIRECT_RECLAIM', 'KSWAPD_RECLAIM')
  const kernel = reclaim | all('IO', 'FS')
  const user = kernel | all('HARDWALL')
  const movable = user | all('HIGHMEM', 'MOVABLE')
  const huge = (movable | all('COMP', 'NOMEMALLOC', 'NOWARN')) & ~reclaim
  const before44 = '__GFP_WAIT' in flags
  return {
    GFP_TRANSHUGE: before44
      ? movable | all('COMP', 'NOMEMALLOC', 'NORETRY', 'NOWARN', 'NO_KSWAPD')
      : huge | all('DIRECT_RECLAIM'),
    ...(before44 ? {} : { GFP_TRANSHUGE_LIGHT: huge }),
    GFP_HIGHUSER_MOVABLE: movable,
    GFP_HIGHUSER: user | all('HIGHMEM'),
    GFP_USER: user,
    ...('__GFP_COLD' in flags ? { GFP_TEMPORARY: kernel | all('RECLAIMABLE') } : {}),
    ...(before44 ? {} : { GFP_KERNEL_ACCOUNT: kernel | all('ACCOUNT') }),
    GFP_KERNEL: kernel,
    GFP_NOFS: reclaim | all('IO'),
    GFP_NOIO: reclaim,
    GFP_ATOMIC: all('HIGH', 'ATOMIC', 'KSWAPD_RECLAIM'),
    ...(before44 ? {} : { GFP_NOWAIT: all('KSWAPD_RECLAIM') }),
    GFP_DMA: 0x1,
    GFP_DMA32: 0x4,
    ...(before44 ? {} : { __GFP_RECLAIM: reclaim }),
    ...flags,
  }
}

const zones = { __GFP_DMA: 0x1, __GFP_HIGHMEM: 0x2, __GFP_DMA32: 0x4, __GFP_MOVABLE: 0x8 } as const
const context = { __GFP_HIGH: 0x20, __GFP_IO: 0x40, __GFP_FS: 0x80 } as const

/** What did not move until 5.0. */
const beforeMove = {
  ...zones,
  ...context,
  __GFP_COLD: 0x100,
  __GFP_NOWARN: 0x200,
  __GFP_REPEAT: 0x400,
  __GFP_NOFAIL: 0x800,
  __GFP_NORETRY: 0x1000,
  __GFP_MEMALLOC: 0x2000,
  __GFP_COMP: 0x4000,
  __GFP_ZERO: 0x8000,
  __GFP_NOMEMALLOC: 0x10000,
  __GFP_HARDWALL: 0x20000,
  __GFP_THISNODE: 0x40000,
} as const

/** From 2.6.32 to 4.3: to reclaim is one flag. Text names flags without their underscores. */
const flags2632: GfpFlags = {
  ...beforeMove,
  __GFP_WAIT: 0x10,
  __GFP_RECLAIMABLE: 0x80000,
  __GFP_NOACCOUNT: 0x100000,
  __GFP_KMEMCG: 0x100000,
  __GFP_NOTRACK: 0x200000,
  __GFP_NO_KSWAPD: 0x400000,
  __GFP_OTHER_NODE: 0x800000,
  __GFP_WRITE: 0x1000000,
}

/** From 4.4 on to reclaim directly and to wake kswapd are flags of their own (d0164adc89f6). */
const flags44: GfpFlags = {
  ...beforeMove,
  __GFP_RECLAIMABLE: 0x10,
  __GFP_ATOMIC: 0x80000,
  __GFP_ACCOUNT: 0x100000,
  __GFP_NOTRACK: 0x200000,
  __GFP_DIRECT_RECLAIM: 0x400000,
  __GFP_OTHER_NODE: 0x800000,
  __GFP_WRITE: 0x1000000,
  __GFP_KSWAPD_RECLAIM: 0x2000000,
}

/** Without __GFP_OTHER_NODE (41b6167e8f74, 4.11); __GFP_REPEAT became __GFP_RETRY_MAYFAIL (dcda9b04713c, 4.13). */
const { __GFP_OTHER_NODE: _, ...kept } = flags44
const flags411: GfpFlags = {
  ...kept,
  __GFP_RETRY_MAYFAIL: 0x400,
  __GFP_WRITE: 0x800000,
  __GFP_KSWAPD_RECLAIM: 0x1000000,
  __GFP_NOLOCKDEP: 0x2000000,
}

/** The order of 5.10, which is that of all later kernels. */
const flags50: GfpFlags = {
  ...zones,
  __GFP_RECLAIMABLE: 0x10,
  ...context,
  __GFP_ZERO: 0x100,
  __GFP_ATOMIC: 0x200,
  __GFP_DIRECT_RECLAIM: 0x400,
  __GFP_KSWAPD_RECLAIM: 0x800,
  __GFP_WRITE: 0x1000,
  __GFP_NOWARN: 0x2000,
  __GFP_RETRY_MAYFAIL: 0x4000,
  __GFP_NOFAIL: 0x8000,
  __GFP_NORETRY: 0x10000,
  __GFP_MEMALLOC: 0x20000,
  __GFP_COMP: 0x40000,
  __GFP_NOMEMALLOC: 0x80000,
  __GFP_HARDWALL: 0x100000,
  __GFP_THISNODE: 0x200000,
  __GFP_ACCOUNT: 0x400000,
  __GFP_NOLOCKDEP: 0x800000,
}

/** Flags of kernels before 5.10, newest first. Which release between 4.19 and 5.4 moved them was not looked up: 5.0 is taken. */
export const olderFlags: readonly {
  readonly from: readonly [major: number, minor: number]
  readonly flags: GfpFlags
}[] = [
  { from: [5, 0], flags: withComposites(flags50) },
  { from: [4, 11], flags: withComposites(flags411) },
  { from: [4, 4], flags: withComposites(flags44) },
  { from: [0, 0], flags: withComposites(flags2632) },
]

export const flags510: GfpFlags = olderFlags[0]!.flags
