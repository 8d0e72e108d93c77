import {
  type AssumedField,
  type Cpu,
  type Machine,
  type NumaNode,
  type Order,
  parseRelease,
  type Release,
  unknownMachine,
  type Zone,
} from '#kernel'
import { factsOf } from '#kernel/releases'
import type { SlabCounters } from '#kernel/slab'
import { cpusIn, type Zones } from '../fits.ts'
import { parseBuddyinfo } from './buddyinfo.ts'
import { parseIsolated } from './cmdline.ts'
import { hzOf, isOn, type KernelConfig, maxOrderOf, numberIn, pageSizeOf, parseConfig, preemptionOf } from './config.ts'
import { malformed } from './malformed.ts'
import { guessNodes, parseNodes } from './nodes.ts'
import { parsePagetypeinfo } from './pagetypeinfo.ts'
import { parseSlabinfo, parseSlabstats } from './slab-counters.ts'
import { parseSysctl } from './sysctl.ts'
import { parseVmstat } from './vmstat.ts'
import { parseZoneinfo, readZoneinfo } from './zoneinfo.ts'

/** Files beside a trace that cost accuracy where they are missing. */
const EXPECTED = [
  'zoneinfo.before',
  'zoneinfo.after',
  'buddyinfo.before',
  'buddyinfo.after',
  'vmstat.before',
  'vmstat.after',
  'uname',
  'cmdline',
] as const
/** Files that replace the usual values of a setting by the machine's own. */
const FURTHER = [
  'nodes',
  'sysctl',
  'config',
  'pagetypeinfo',
  'pagetypeinfo.before',
  'clock',
  'slabinfo.before',
  'slabinfo.after',
  'slabstats.before',
  'slabstats.after',
] as const

/** Files beside a trace in which the recording kernel says something of itself. */
export const SIDECARS = [...EXPECTED, ...FURTHER] as const
type SidecarName = (typeof SIDECARS)[number]

/** A sidecar's text and the path that error messages name; undefined where the capture lacks it. */
export type Sidecars = Readonly<Partial<Record<SidecarName, { readonly file: string; readonly text: string }>>>

function riseOf(start: Record<string, number>, end: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(end).map(([name, value]) => [name, value - (start[name] ?? value)]))
}

const readSidecar = <T>(
  sidecars: Sidecars,
  name: SidecarName,
  parse: (text: string, file: string) => T,
): T | undefined => {
  const sidecar = sidecars[name]
  return sidecar === undefined ? undefined : parse(sidecar.text, sidecar.file)
}

export const zonesOf = (sidecars: Sidecars): Zones => ({
  zones: readSidecar(sidecars, 'zoneinfo.before', parseZoneinfo) ?? [],
  zonesAfter: readSidecar(sidecars, 'zoneinfo.after', parseZoneinfo) ?? [],
})

/** What the sidecars say of the machine. `seenCpus` are the trace's own, for captures without zoneinfo. */
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
  const before = readSidecar(sidecars, 'vmstat.before', parseVmstat)
  const after = readSidecar(sidecars, 'vmstat.after', parseVmstat)
  const config = readSidecar(sidecars, 'config', parseConfig) ?? new Map<string, string>()
  const buddyBefore = readSidecar(sidecars, 'buddyinfo.before', parseBuddyinfo) ?? []
  const orders = buddyBefore[0]?.blocks.length
  const build = buildOf(sidecars, config, { ...(before ?? after) }, zones.zones, orders, release)
  const hz = hzOf(config)
  const nodes = nodesOf(sidecars, zones.zones, cpus)
  const preemption = uname === undefined ? undefined : preemptionOf(uname, cmdline ?? '', config, release)
  return {
    cpus,
    isolated: cmdline === undefined ? [] : parseIsolated(cmdline, cpus, sidecars.cmdline?.file ?? 'cmdline'),
    nodes: nodes.nodes,
    ...zones,
    buddyBefore,
    buddyAfter: readSidecar(sidecars, 'buddyinfo.after', parseBuddyinfo) ?? [],
    hz: hz ?? unknownMachine.hz,
    ...build.fields,
    sysctls: readSidecar(sidecars, 'sysctl', parseSysctl) ?? {},
    missing: EXPECTED.filter((name) => sidecars[name] === undefined && !(name === 'uname' && release !== undefined)),
    assumed: [...(hz === undefined ? (['hz'] as const) : []), ...build.assumed, ...nodes.assumed],
    ...(release === undefined ? {} : { release }),
    ...(cmdline === undefined ? {} : { cmdline }),
    ...(before === undefined || after === undefined ? {} : { vmstatRise: riseOf(before, after) }),
    ...(preemption === undefined ? {} : { preemption }),
    ...slabsOf(sidecars),
  }
}

function slabsOf(sidecars: Sidecars): Pick<Machine, 'slabsBefore' | 'slabsAfter'> {
  const at = (when: 'before' | 'after'): SlabCounters | undefined => {
    const info = readSidecar(sidecars, `slabinfo.${when}`, parseSlabinfo)
    const stats = readSidecar(sidecars, `slabstats.${when}`, parseSlabstats)
    return info === undefined && stats === undefined ? undefined : { info: info ?? [], stats: stats ?? {} }
  }
  const [before, after] = [at('before'), at('after')]
  return {
    ...(before === undefined ? {} : { slabsBefore: before }),
    ...(after === undefined ? {} : { slabsAfter: after }),
  }
}

function nodesOf(
  sidecars: Sidecars,
  zones: readonly Zone[],
  cpus: readonly Cpu[],
): { readonly nodes: NumaNode[]; readonly assumed: AssumedField[] } {
  const online = new Set(cpus)
  const recorded = readSidecar(sidecars, 'nodes', parseNodes)
  const named = readSidecar(sidecars, 'zoneinfo.before', readZoneinfo)?.nodes ?? []
  if (recorded === undefined)
    return { nodes: guessNodes(named, zones, cpus), assumed: named.length > 1 ? ['nodes'] : [] }
  const listed = new Map(recorded.map(({ node, cpus: own }) => [node, own.filter((cpu) => online.has(cpu))]))
  const numbers = [...new Set([...named, ...listed.keys()])].sort((a, b) => a - b)
  return { nodes: numbers.map((node) => ({ node, cpus: listed.get(node) ?? [] })), assumed: [] }
}

/** Before 5.13 (bbb269206f3c) no counter of vmstat shows whether the kernel has CMA. */
const cmaOf = (shown: boolean | undefined, config: KernelConfig, release: Release | undefined): boolean | undefined =>
  config.size === 0 && !factsOf(release).countsCma ? undefined : shown

type Build = Pick<Machine, 'pageblockOrder' | 'pageSize' | 'maxPageOrder' | 'thpOrder' | 'cma'>

/** Pages and blocks as the kernel was built. Where several files say it, the one that states it goes before those it follows from. */
function buildOf(
  sidecars: Sidecars,
  config: KernelConfig,
  vmstat: Readonly<Record<string, number>>,
  zones: readonly Zone[],
  orders: number | undefined,
  release: Release | undefined,
): { readonly fields: Build; readonly assumed: AssumedField[] } {
  const { pageblockOrder: stated, types } = parsePagetypeinfo(
    (sidecars['pagetypeinfo.before'] ?? sidecars.pagetypeinfo)?.text ?? '',
  )
  const maxPageOrder = orders === undefined ? (maxOrderOf(config, release) ?? 10) : orders - 1
  const ownSize = pageSizeOf(config)
  // The usual largest block of arm64 and others with pages of that size.
  const pageSize = ownSize ?? (maxPageOrder === 13 ? 65_536 : maxPageOrder === 11 ? 16_384 : 4096)
  const has = (option: string, counter: string) =>
    isOn(config, option) ?? (Object.keys(vmstat).length === 0 ? undefined : counter in vmstat)
  const hugetlb = has('HUGETLB_PAGE', 'htlb_buddy_alloc_success')
  const thp = has('TRANSPARENT_HUGEPAGE', 'thp_fault_alloc') ?? true
  const pmdOrder: Order = Math.log2(pageSize / 8)
  const limit = numberIn(config, 'PAGE_BLOCK_MAX_ORDER', 1, 19) ?? numberIn(config, 'PAGE_BLOCK_ORDER', 1, 19)
  // Without hugetlb a pageblock is as large as a huge page only from 6.10 on, and only with THP (Baolin Wang, 5 Apr 2024).
  const huge =
    hugetlb !== false || (thp && factsOf(release).pageblockFollowsThp) ? Math.min(pmdOrder, maxPageOrder) : maxPageOrder
  const pageblockOrder = Math.min(stated ?? limit ?? huge, stated === undefined ? huge : maxPageOrder)
  const cma =
    types.length > 0
      ? types.includes('CMA')
      : (cmaOf(has('CMA', 'cma_alloc_success'), config, release) ??
        (zones.some((zone) => (zone.cma ?? 0) > 0) || undefined))
  return {
    fields: {
      pageblockOrder,
      pageSize,
      maxPageOrder,
      ...(thp ? { thpOrder: pmdOrder } : {}),
      ...(cma === undefined ? {} : { cma }),
    },
    assumed: [
      ...(stated === undefined && hugetlb === undefined ? (['pageblockOrder'] as const) : []),
      ...(ownSize === undefined && orders === undefined ? (['pageSize'] as const) : []),
    ],
  }
}
