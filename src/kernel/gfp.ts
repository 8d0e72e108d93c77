import { factsOf, type Kernel } from './releases/index.ts'

const tables = new Map<Readonly<Record<string, number>>, ReadonlyMap<string, number>>()

function tableOf(kernel: Kernel): ReadonlyMap<string, number> {
  const { gfp } = factsOf(kernel)
  let table = tables.get(gfp)
  if (table === undefined) {
    table = new Map(Object.entries(gfp))
    tables.set(gfp, table)
  }
  return table
}

/**
 * `"GFP_KERNEL|__GFP_ZERO"` → 0xdc0. `unknown` holds the names this kernel's table lacks; their bits are not in `bits`.
 * Raw numbers (`0x140cca`, `1313994`) and "none" are read as they stand. A flag whose bit depends on the configuration has the one of
 * the table: prefer the numbers of the trace's own format file.
 */
export function parseGfp(text: string, kernel: Kernel): { bits: number; unknown: string[] } {
  const table = tableOf(kernel)
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

/** Single bits above all that this kernel's flags have, from 31 down: room for flags that its table lacks. */
export function freeGfpBits(kernel: Kernel): number[] {
  let taken = 0
  for (const mask of tableOf(kernel).values()) taken |= mask
  const lowest = 32 - Math.clz32(taken)
  return Array.from({ length: 32 - lowest }, (_, at) => (1 << (31 - at)) >>> 0)
}

/**
 * 0xdc0 → `"GFP_KERNEL|__GFP_ZERO"`: composite names first, widest first, then those of `others`; what no name covers follows as hex.
 */
export function formatGfp(bits: number, kernel: Kernel, others: Readonly<Record<string, number>> = {}): string {
  if (bits === 0) return 'none'
  const names: string[] = []
  let rest = bits
  for (const [name, mask] of tableOf(kernel)) {
    if (mask === 0 || (rest & mask) >>> 0 !== mask) continue
    names.push(name)
    rest = (rest & ~mask) >>> 0
  }
  for (const [name, bit] of Object.entries(others)) {
    if ((rest & bit) === 0) continue
    names.push(name)
    rest = (rest & ~bit) >>> 0
  }
  if (rest !== 0) names.push(`0x${rest.toString(16)}`)
  return names.join('|')
}

/** `__GFP_MOVABLE`, `__GFP_RECLAIMABLE`: what a request's migratetype comes from. */
export const migratetypeOf = (gfp: number): number => (gfp & 0x18) >>> 3
