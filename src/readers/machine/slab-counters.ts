import type { SlabCounters, SlabInfo, SlabStat } from '#kernel/slab'
import { malformed } from './malformed.ts'

/** Lines `dentry 4200 4242 192 21 1 : tunables … : slabdata …` behind two lines of head. */
export function parseSlabinfo(text: string, file: string): SlabInfo[] {
  const lines: SlabInfo[] = []
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '' || line.startsWith('#') || line.startsWith('slabinfo - version')) continue
    const [, name, ...numbers] =
      /^(\S+) +(\d+) +(\d+) +(\d+) +(\d+) +(\d+) *:.*: *slabdata +\d+ +(\d+) +\d+\s*$/.exec(line) ?? []
    const [active, objects, size, perSlab, pagesPerSlab, slabs] = numbers.map(Number)
    if (name === undefined || slabs === undefined || size === 0 || perSlab === 0)
      malformed(file, index + 1, 'a line of slabinfo is a name and its counts, ": tunables" and ": slabdata"')
    lines.push({
      name,
      active: active!,
      objects: objects!,
      size: size!,
      perSlab: perSlab!,
      pagesPerSlab: pagesPerSlab!,
      slabs,
    })
  }
  return lines
}

/** Lines `CACHE FILE TEXT`, as a loop over /sys/kernel/slab prints them; what has no number is left out. */
export function parseSlabstats(text: string): SlabCounters['stats'] {
  const stats: Record<string, Record<string, SlabStat>> = Object.create(null)
  for (const line of text.split('\n')) {
    const [, cache, name, total, rest = ''] = /^(\S+) (\w+) (\d{1,15})(.*)$/.exec(line) ?? []
    if (cache === undefined || name === undefined) continue
    const cpus = Object.fromEntries(
      [...rest.matchAll(/ C(\d{1,5})=(\d{1,15})/g)].map(([, cpu, value]) => [Number(cpu), Number(value)]),
    )
    stats[cache] ??= Object.create(null) as Record<string, SlabStat>
    stats[cache][name] = { total: Number(total), cpus, text: rest }
  }
  return stats
}
