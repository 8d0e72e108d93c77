import type { Cpu, Pageset, Zone } from '#kernel'
import { malformed } from './malformed.ts'

/** A zoneinfo, read. */
export interface Zoneinfo {
  /** Zones that hold pages. */
  readonly zones: Zone[]
  /** Every node it names, those without memory too. */
  readonly nodes: number[]
}

/** More than any machine has: a number above this is damage. */
const MOST_NODES = 1024
const MOST_CPUS = 0x10000

/** The zones of /proc/zoneinfo that hold pages; a zone with no managed page is left out. */
export const parseZoneinfo = (text: string, file: string): Zone[] => readZoneinfo(text, file).zones

export function readZoneinfo(text: string, file: string): Zoneinfo {
  const zones: Zone[] = []
  const nodes = new Set<number>()
  const lines = text.split('\n')
  let start = -1
  for (let line = 0; line <= lines.length; line++) {
    if (line < lines.length && !lines[line]!.startsWith('Node ')) {
      if (start < 0 && lines[line]!.trim() !== '')
        malformed(file, line + 1, 'a zoneinfo begins with "Node N, zone NAME"')
      continue
    }
    if (start >= 0) {
      const { node, zone } = parseZone(lines.slice(start, line), file, start + 1)
      nodes.add(node)
      if (zone !== undefined) zones.push(zone)
    }
    start = line
  }
  if (zones.length === 0) malformed(file, 1, 'the zoneinfo has no zone with pages')
  return { zones, nodes: [...nodes].sort((a, b) => a - b) }
}

/** As the kernel prints it, at the line's start or after spaces; the colon is optional. */
const LINE =
  /^ +(pages free|boost|min|low|high|promo|spanned|present|managed|cma|start_pfn|cpu|count|batch|high_min|high_max)\b:? +(\S+)\s*$/

interface PagesetLines {
  readonly cpu: Cpu
  readonly line: number
  readonly values: Map<string, number>
}

function parseZone(
  lines: readonly string[],
  file: string,
  first: number,
): { readonly node: number; readonly zone?: Zone } {
  const [, number, name] = /^Node (\d{1,5}), zone +(\S{1,32})\s*$/.exec(lines[0] ?? '') ?? []
  if (number === undefined || name === undefined) malformed(file, first, `"${lines[0]}" is not "Node N, zone NAME"`)
  const node = Number(number)
  if (node >= MOST_NODES) malformed(file, first, `no machine has a node ${node}`)
  const values = new Map<string, number>()
  const pagesets: PagesetLines[] = []
  for (const [index, text] of lines.entries()) {
    const [, label, value] = LINE.exec(text) ?? []
    if (label === undefined) continue
    const count = Number(value)
    if (!Number.isSafeInteger(count) || count < 0) malformed(file, first + index, `${label} is "${value}", not a count`)
    const pageset = pagesets.at(-1)
    if (label === 'cpu') {
      if (count >= MOST_CPUS) malformed(file, first + index, `no machine has a CPU ${count}`)
      pagesets.push({ cpu: count, line: first + index, values: new Map() })
    } else if (pageset === undefined || label === 'start_pfn') values.set(label, count)
    else pageset.values.set(label, count)
  }
  const page = (label: string) =>
    values.get(label) ?? malformed(file, first, `node ${node}, zone ${name} has no "${label}"`)
  // Before 3.9 `managed` was not printed. Some early kernels end a zone without pages here.
  const managed = values.get('managed') ?? values.get('present') ?? 0
  if (managed === 0) return { node }
  const zone: Zone = {
    node,
    name,
    startPfn: page('start_pfn'),
    spanned: page('spanned'),
    present: page('present'),
    managed,
    free: page('pages free'),
    min: page('min'),
    low: page('low'),
    high: page('high'),
    ...optional(values, 'promo', 'promo'),
    ...optional(values, 'boost', 'boost'),
    ...((values.get('cma') ?? 0) > 0 ? optional(values, 'cma', 'cma') : {}),
    pagesets: pagesets.map((pageset) => pagesetOf(pageset, file)),
  }
  if (zone.startPfn + zone.spanned > 2 ** 32)
    malformed(file, first, `node ${node}, zone ${name} ends behind page frame 2³²`)
  return { node, zone }
}

function pagesetOf({ cpu, line, values }: PagesetLines, file: string): Pageset {
  const list = (label: string) =>
    values.get(label) ?? malformed(file, line, `the page lists of CPU ${cpu} has no "${label}"`)
  return {
    cpu,
    count: list('count'),
    high: list('high'),
    batch: list('batch'),
    ...optional(values, 'high_min', 'highMin'),
    ...optional(values, 'high_max', 'highMax'),
  }
}

function optional<Name extends string>(
  values: ReadonlyMap<string, number>,
  label: string,
  name: Name,
): { readonly [N in Name]?: number } {
  const value = values.get(label)
  return value === undefined ? {} : ({ [name]: value } as { [N in Name]?: number })
}
