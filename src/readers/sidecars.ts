import { type BuddyCounts, type Cpu, type Machine, type Pageset, parseRelease, TraceError, type Zone } from '#kernel'
import { cpusIn, type Zones } from './fits.ts'

/** Files beside a trace in which the recording kernel tells of itself. */
export const SIDECARS = [
  'zoneinfo.before',
  'zoneinfo.after',
  'buddyinfo.before',
  'buddyinfo.after',
  'vmstat.before',
  'vmstat.after',
  'uname',
  'cmdline',
] as const
type SidecarName = (typeof SIDECARS)[number]

/** A sidecar's text and the path that error messages name; undefined where the capture lacks it. */
export type Sidecars = Readonly<Partial<Record<SidecarName, { readonly file: string; readonly text: string }>>>

const HINT = 'Copy it again from /proc of the machine that recorded, or remove the file: it is optional.'

function malformed(file: string, line: number, what: string): never {
  throw new TraceError({ place: { file, line }, what, hint: HINT })
}

/** The zones of /proc/zoneinfo that hold pages; a zone with no managed page is left out. */
export function parseZoneinfo(text: string, file: string): Zone[] {
  const zones: Zone[] = []
  const lines = text.split('\n')
  let start = -1
  for (let line = 0; line <= lines.length; line++) {
    if (line < lines.length && !lines[line]!.startsWith('Node ')) {
      if (start < 0 && lines[line]!.trim() !== '')
        malformed(file, line + 1, 'a zoneinfo begins with "Node N, zone NAME"')
      continue
    }
    if (start >= 0) {
      const zone = parseZone(lines.slice(start, line), file, start + 1)
      if (zone !== undefined) zones.push(zone)
    }
    start = line
  }
  if (zones.length === 0) malformed(file, 1, 'the zoneinfo has no zone with pages')
  return zones
}

/** `what` is the label as the kernel prints it, at the line's start or after spaces; the colon is optional. */
function parseZone(lines: readonly string[], file: string, first: number): Zone | undefined {
  const [, node, name] = /^Node (\d+), zone +(\S+)\s*$/.exec(lines[0] ?? '') ?? []
  if (node === undefined || name === undefined) malformed(file, first, `"${lines[0]}" is not "Node N, zone NAME"`)
  const values = new Map<string, number>()
  const pagesets: { cpu: Cpu; line: number; values: Map<string, number> }[] = []
  for (const [index, text] of lines.entries()) {
    const [, label, value] =
      /^ +(pages free|min|low|high|promo|spanned|present|managed|start_pfn|cpu|count|batch|high_min|high_max)\b:? +(\S+)\s*$/.exec(
        text,
      ) ?? []
    if (label === undefined) continue
    const number = Number(value)
    if (!Number.isSafeInteger(number) || number < 0)
      malformed(file, first + index, `${label} is "${value}", not a count`)
    const pageset = pagesets.at(-1)
    if (label === 'cpu') pagesets.push({ cpu: number, line: first + index, values: new Map() })
    else if (pageset === undefined || label === 'start_pfn') values.set(label, number)
    else pageset.values.set(label, number)
  }
  const of = (from: ReadonlyMap<string, number>, line: number, whose: string) => (label: string) =>
    from.get(label) ?? malformed(file, line, `${whose} has no "${label}"`)
  const page = of(values, first, `node ${node}, zone ${name}`)
  // Early kernels end a zone without pages here.
  if ((values.get('managed') ?? values.get('present') ?? 0) === 0) return undefined
  const promo = values.get('promo')
  return {
    node: Number(node),
    name,
    startPfn: page('start_pfn'),
    spanned: page('spanned'),
    present: page('present'),
    managed: page('managed'),
    free: page('pages free'),
    min: page('min'),
    low: page('low'),
    high: page('high'),
    ...(promo === undefined ? {} : { promo }),
    pagesets: pagesets.map(({ cpu, line, values: set }): Pageset => {
      const list = of(set, line, `the page lists of CPU ${cpu}`)
      const [highMin, highMax] = [set.get('high_min'), set.get('high_max')]
      return {
        cpu,
        count: list('count'),
        high: list('high'),
        batch: list('batch'),
        ...(highMin === undefined ? {} : { highMin }),
        ...(highMax === undefined ? {} : { highMax }),
      }
    }),
  }
}

/** Lines `Node 0, zone    DMA32      3      1 …`: free blocks of order 0, 1, … */
export function parseBuddyinfo(text: string, file: string): BuddyCounts[] {
  const counts: BuddyCounts[] = []
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue
    const [, node, zone, blocks] = /^Node (\d+), zone +(\S+)((?: +\d+)+)\s*$/.exec(line) ?? []
    if (blocks === undefined || zone === undefined) {
      malformed(file, index + 1, 'a line of buddyinfo is "Node N, zone NAME" and one count an order')
    }
    counts.push({ node: Number(node), zone, blocks: blocks.trim().split(/ +/).map(Number) })
  }
  return counts
}

/** Lines `nr_free_pages 7174`. */
export function parseVmstat(text: string, file: string): Record<string, number> {
  const values: Record<string, number> = {}
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue
    const [, name, value] = /^(\w+) (-?\d+)$/.exec(line) ?? []
    if (name === undefined) malformed(file, index + 1, 'a line of vmstat is a name and a count')
    values[name] = Number(value)
  }
  return values
}

function riseOf(before: NonNullable<Sidecars[SidecarName]>, after: NonNullable<Sidecars[SidecarName]>) {
  const start = parseVmstat(before.text, before.file)
  const end = parseVmstat(after.text, after.file)
  return Object.fromEntries(Object.entries(end).map(([name, value]) => [name, value - (start[name] ?? value)]))
}

/**
 * CPUs named by `isolcpus=` and `nohz_full=`. Source: Documentation/admin-guide/kernel-parameters.rst, "cpu lists" and
 * `isolcpus=[flag-list,]<cpu-list>`; `N` is the last CPU, `all` every one, `a-b:used/group` a pattern.
 */
export function parseIsolated(cmdline: string, cpus: readonly Cpu[], file: string): Cpu[] {
  const isolated = new Set<Cpu>()
  const last = Math.max(0, ...cpus)
  for (const [, name, list = ''] of cmdline.matchAll(/(?:^|\s)(isolcpus|nohz_full)=(\S+)/g)) {
    for (const part of list.split(',')) {
      if (name === 'isolcpus' && /^(nohz|domain|managed_irq)$/.test(part)) continue
      const range = part === 'all' ? '0-N' : part
      const [, from, to, used, group] = /^(\d{1,5}|N)(?:-(\d{1,5}|N)(?::(\d+)\/(\d+))?)?$/.exec(range) ?? []
      if (from === undefined) malformed(file, 1, `${name}=${list} is not a list of CPUs`)
      const [low, high] = [from, to ?? from].map((cpu) => (cpu === 'N' ? last : Number(cpu))) as [number, number]
      for (let cpu = low; cpu <= high; cpu++) {
        if (used === undefined || (cpu - low) % Number(group) < Number(used)) isolated.add(cpu)
      }
    }
  }
  return [...isolated].sort((a, b) => a - b)
}

const readSidecar = <T>(sidecars: Sidecars, name: SidecarName, parse: (text: string, file: string) => T[]): T[] => {
  const sidecar = sidecars[name]
  return sidecar === undefined ? [] : parse(sidecar.text, sidecar.file)
}

export const zonesOf = (sidecars: Sidecars): Zones => ({
  zones: readSidecar(sidecars, 'zoneinfo.before', parseZoneinfo),
  zonesAfter: readSidecar(sidecars, 'zoneinfo.after', parseZoneinfo),
})

/** What the sidecars tell of the machine. `seenCpus` are the trace's own, for captures without zoneinfo. */
export function machineOf(sidecars: Sidecars, seenCpus: readonly Cpu[], traceUname: string | undefined): Machine {
  const zones = zonesOf(sidecars)
  const known = cpusIn(zones)
  const cpus = known.length > 0 ? known : [...seenCpus].sort((a, b) => a - b)
  const uname = sidecars.uname?.text ?? traceUname
  const release = uname === undefined ? undefined : parseRelease(uname)
  if (sidecars.uname !== undefined && release === undefined) {
    malformed(sidecars.uname.file, 1, 'the uname names no kernel release')
  }
  const cmdline = sidecars.cmdline?.text.trim()
  const { 'vmstat.before': before, 'vmstat.after': after } = sidecars
  const vmstatRise = before === undefined || after === undefined ? undefined : riseOf(before, after)
  return {
    cpus,
    isolated: cmdline === undefined ? [] : parseIsolated(cmdline, cpus, sidecars.cmdline?.file ?? 'cmdline'),
    ...zones,
    buddyBefore: readSidecar(sidecars, 'buddyinfo.before', parseBuddyinfo),
    buddyAfter: readSidecar(sidecars, 'buddyinfo.after', parseBuddyinfo),
    // Neither file tells; these are the kernel's defaults on x86-64.
    hz: 250,
    pageblockOrder: 9,
    missing: SIDECARS.filter((name) => sidecars[name] === undefined && !(name === 'uname' && release !== undefined)),
    ...(release === undefined ? {} : { release }),
    ...(cmdline === undefined ? {} : { cmdline }),
    ...(vmstatRise === undefined ? {} : { vmstatRise }),
  }
}
