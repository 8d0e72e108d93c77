import type { KnownVersion } from './release.ts'

/**
 * gfp flag names and bits. Source: include/linux/gfp*.h and include/trace/events/mmflags.h as summed up in
 * the format notes (5.10 … 7.2). From 6.10 on, bits above ZEROTAGS depend on the configuration: prefer the trace's own
 * format file, and keep names that this table lacks.
 */
const singles: readonly (readonly [name: string, bit: number])[] = [
  ['__GFP_DMA', 0x1],
  ['__GFP_HIGHMEM', 0x2],
  ['__GFP_DMA32', 0x4],
  ['__GFP_MOVABLE', 0x8],
  ['__GFP_RECLAIMABLE', 0x10],
  ['__GFP_HIGH', 0x20],
  ['__GFP_IO', 0x40],
  ['__GFP_FS', 0x80],
  ['__GFP_ZERO', 0x100],
  ['__GFP_DIRECT_RECLAIM', 0x400],
  ['__GFP_KSWAPD_RECLAIM', 0x800],
  ['__GFP_WRITE', 0x1000],
  ['__GFP_NOWARN', 0x2000],
  ['__GFP_RETRY_MAYFAIL', 0x4000],
  ['__GFP_NOFAIL', 0x8000],
  ['__GFP_NORETRY', 0x10000],
  ['__GFP_MEMALLOC', 0x20000],
  ['__GFP_COMP', 0x40000],
  ['__GFP_NOMEMALLOC', 0x80000],
  ['__GFP_HARDWALL', 0x100000],
  ['__GFP_THISNODE', 0x200000],
  ['__GFP_ACCOUNT', 0x400000],
]

const byVersion: Readonly<Record<KnownVersion, Readonly<Record<string, number>>>> = {
  '5.10': { __GFP_ATOMIC: 0x200, __GFP_NOLOCKDEP: 0x800000, GFP_ATOMIC: 0xa20, GFP_NOWAIT: 0x800 },
  '6.1': { __GFP_ATOMIC: 0x200, __GFP_ZEROTAGS: 0x800000, GFP_ATOMIC: 0xa20, GFP_NOWAIT: 0x800 },
  '6.12': { __GFP_ZEROTAGS: 0x800000, GFP_ATOMIC: 0x820, GFP_NOWAIT: 0x2800 },
  '7.2': { __GFP_ZEROTAGS: 0x800000, GFP_ATOMIC: 0x820, GFP_NOWAIT: 0x2800 },
}

const composites: Readonly<Record<string, number>> = {
  GFP_TRANSHUGE: 0x1c24ca,
  GFP_TRANSHUGE_LIGHT: 0x1c20ca,
  GFP_HIGHUSER_MOVABLE: 0x100cca,
  GFP_HIGHUSER: 0x100cc2,
  GFP_USER: 0x100cc0,
  GFP_KERNEL_ACCOUNT: 0x400cc0,
  GFP_KERNEL: 0xcc0,
  GFP_NOFS: 0xc40,
  GFP_NOIO: 0xc00,
  GFP_DMA: 0x1,
  GFP_DMA32: 0x4,
  __GFP_RECLAIM: 0xc00,
}

const tables = new Map<KnownVersion, ReadonlyMap<string, number>>()

function tableOf(version: KnownVersion): ReadonlyMap<string, number> {
  let table = tables.get(version)
  if (table === undefined) {
    table = new Map([...Object.entries(composites), ...Object.entries(byVersion[version]), ...singles])
    tables.set(version, table)
  }
  return table
}

/**
 * `"GFP_KERNEL|__GFP_ZERO"` → 0xdc0. `unknown` holds the names this version's table lacks; their bits are not in `bits`.
 * Raw numbers (`0x140cca`, `1313994`) and "none" are read as they stand.
 */
export function parseGfp(text: string, version: KnownVersion): { bits: number; unknown: string[] } {
  const table = tableOf(version)
  const unknown: string[] = []
  let bits = 0
  for (const name of text.split('|')) {
    // Before 4.6 single flags were printed without the underscores.
    const known = table.get(name) ?? table.get(`__${name}`)
    if (known !== undefined) bits |= known
    else if (/^(0x[0-9a-f]+|\d+)$/i.test(name)) bits |= Number(name)
    else if (name !== 'none' && name !== '') unknown.push(name)
  }
  return { bits: bits >>> 0, unknown }
}

/** 0xdc0 → `"GFP_KERNEL|__GFP_ZERO"`: composite names first, widest first; what no name covers follows as hex. */
export function formatGfp(bits: number, version: KnownVersion): string {
  if (bits === 0) return 'none'
  const names: string[] = []
  let rest = bits
  for (const [name, mask] of tableOf(version)) {
    if ((rest & mask) >>> 0 !== mask) continue
    names.push(name)
    rest = (rest & ~mask) >>> 0
  }
  if (rest !== 0) names.push(`0x${rest.toString(16)}`)
  return names.join('|')
}

/** `__GFP_MOVABLE`, `__GFP_RECLAIMABLE`: what a request's migratetype comes from. */
export const migratetypeOf = (gfp: number): number => (gfp & 0x18) >>> 3
