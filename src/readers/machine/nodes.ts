import { type Cpu, type NumaNode, parseCpuList, type Zone } from '#kernel'
import { malformed } from './malformed.ts'

const MOST_NODES = 1024

/**
 * CPUs by node. Lines as `grep . /sys/devices/system/node/node*` + `/cpulist` prints them, or as lscpu (`NUMA node0 CPU(s): 0-3`) and
 * `numactl -H` (`node 0 cpus: 0 1 2 3`) do; other lines are passed over.
 */
export function parseNodes(text: string, file: string): NumaNode[] {
  const nodes = new Map<number, readonly Cpu[]>()
  for (const [index, line] of text.split('\n').entries()) {
    const [, number, list = ''] =
      /^\S*\bnode(\d+)\/cpulist[: ]\s*(.*)$/.exec(line) ??
      /^\s*NUMA node ?(\d+) CPU\(s\): *(.*)$/.exec(line) ??
      /^node ?(\d+)(?: cpus)?: *([\d,\s-]*)$/.exec(line) ??
      /^node(\d+) +([\d,-]*)\s*$/.exec(line) ??
      []
    if (number === undefined) continue
    const trimmed = list.trim()
    const cpus = trimmed === '' || trimmed === '-' ? [] : parseCpuList(trimmed.replace(/\s+/g, ','))
    if (cpus === undefined) malformed(file, index + 1, `"${trimmed}" is not a list of CPUs`)
    const node = Number(number)
    if (node >= MOST_NODES) malformed(file, index + 1, `no machine has a node ${node}`)
    nodes.set(node, cpus)
  }
  if (nodes.size === 0) malformed(file, 1, 'the file names no node; it has lines "node0/cpulist:0-3"')
  return [...nodes].sort(([a], [b]) => a - b).map(([node, cpus]) => ({ node, cpus }))
}

/**
 * How many CPUs share the lists' limits of a node's zones, as zoneinfo shows it; undefined where it does not. From 5.14 on `high`, or the
 * least it may be, is the low watermark divided by that number. Source: zone_highsize(), mm/page_alloc.c.
 */
function sharersOf(zones: readonly Zone[], most: number): number | undefined {
  for (const { low, boost = 0, pagesets } of zones) {
    const highs = pagesets.filter(({ high, batch }) => high > 4 * batch && batch > 1)
    if (highs.length === 0) continue
    const least = Math.min(...highs.map(({ high, highMin = high }) => highMin))
    for (let cpus = 1; cpus <= most; cpus++) if (Math.trunc((low - boost) / cpus) === least) return cpus
  }
  return undefined
}

/**
 * The nodes of a machine without a `nodes` file. CPUs are dealt out in order of their numbers: as many a node as zoneinfo shows, else
 * equally many.
 */
export function guessNodes(nodes: readonly number[], zones: readonly Zone[], cpus: readonly Cpu[]): NumaNode[] {
  if (nodes.length <= 1) return [{ node: nodes[0] ?? 0, cpus }]
  const shown = nodes.map((node) => {
    const own = zones.filter((zone) => zone.node === node)
    return { node, cpus: own.length === 0 ? undefined : sharersOf(own, cpus.length) }
  })
  // A node without CPUs divides by all of them, so its number says nothing of its own.
  const counts = new Map(
    shown.flatMap(({ node, cpus: own }) => (own === undefined ? [] : [[node, own === cpus.length ? 0 : own] as const])),
  )
  const rest = cpus.length - [...counts.values()].reduce((sum, count) => sum + count, 0)
  const open = nodes.filter((node) => !counts.has(node))
  const fits = open.length === 0 ? rest === 0 : rest >= open.length
  let next = 0
  return nodes.map((node, at) => {
    const count = fits
      ? (counts.get(node) ?? shareOf(rest, open.length, open.indexOf(node)))
      : shareOf(cpus.length, nodes.length, at)
    next += count
    return { node, cpus: cpus.slice(next - count, next) }
  })
}

const shareOf = (all: number, parts: number, part: number): number =>
  Math.trunc(((part + 1) * all) / parts) - Math.trunc((part * all) / parts)
