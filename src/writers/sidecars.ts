import { type BuddyCounts, type Machine, unameOf, type Zone } from '#kernel'

/** A zone as /proc/zoneinfo prints it, as far as kreplay reads it. */
function zoneinfoOf({ node, name, pagesets, promo, boost, cma, ...zone }: Zone): string {
  const line = (label: string, value: number) => `        ${label.padEnd(8)} ${value}\n`
  const pageset = ({ cpu, count, high, batch, highMin, highMax }: Zone['pagesets'][number]) =>
    `    cpu: ${cpu}\n              count: ${count}\n              high:  ${high}\n              batch: ${batch}\n${
      highMin === undefined ? '' : `              high_min: ${highMin}\n`
    }${highMax === undefined ? '' : `              high_max: ${highMax}\n`}`
  return [
    `Node ${node}, zone ${name.padStart(8)}\n  pages free     ${zone.free}\n`,
    ...(boost === undefined ? [] : [line('boost', boost)]),
    line('min', zone.min),
    line('low', zone.low),
    line('high', zone.high),
    ...(promo === undefined ? [] : [line('promo', promo)]),
    line('spanned', zone.spanned),
    line('present', zone.present),
    line('managed', zone.managed),
    ...(cma === undefined ? [] : [line('cma', cma)]),
    '  pagesets\n',
    ...pagesets.map(pageset),
    `  start_pfn:           ${zone.startPfn}\n`,
  ].join('')
}

const buddyinfoOf = (counts: readonly BuddyCounts[]): string =>
  counts
    .map(
      ({ node, zone, blocks }) =>
        `Node ${node}, zone ${zone.padStart(8)} ${blocks.map((n) => String(n).padStart(6)).join(' ')} \n`,
    )
    .join('')

const OPTION = {
  full: 'PREEMPT',
  lazy: 'PREEMPT_LAZY',
  voluntary: 'PREEMPT_VOLUNTARY',
  none: 'PREEMPT_NONE',
  rt: 'PREEMPT_RT',
}

/**
 * The options that the machine was read from. None where the order of a pageblock is assumed: a configuration without hugetlb would
 * say another one.
 */
function configOf({ hz, pageSize, thpOrder, cma, preemption, assumed }: Machine): string {
  if (assumed.includes('pageblockOrder')) return ''
  const lines = [
    thpOrder === undefined ? '# CONFIG_TRANSPARENT_HUGEPAGE is not set' : 'CONFIG_TRANSPARENT_HUGEPAGE=y',
    ...(assumed.includes('hz') ? [] : [`CONFIG_HZ=${hz}`]),
    ...(assumed.includes('pageSize') ? [] : [`CONFIG_PAGE_SHIFT=${Math.log2(pageSize)}`]),
    ...(cma === undefined ? [] : [cma ? 'CONFIG_CMA=y' : '# CONFIG_CMA is not set']),
    ...(preemption === undefined || preemption === 'dynamic' ? [] : [`CONFIG_${OPTION[preemption]}=y`]),
  ]
  return lines.map((line) => `${line}\n`).join('')
}

/** The files beside a trace in which a machine says something of itself, by name; those of which it knows nothing are left out. */
export function sidecarsOf(machine: Machine): Record<string, string> {
  const { release, nodes, zones, zonesAfter, buddyBefore, buddyAfter, cmdline, sysctls, pageblockOrder, assumed } =
    machine
  const files = {
    uname: release === undefined ? '' : `${unameOf(release)}\n`,
    cmdline: cmdline === undefined ? '' : `${cmdline}\n`,
    'zoneinfo.before': zones.map(zoneinfoOf).join(''),
    'zoneinfo.after': zonesAfter.map(zoneinfoOf).join(''),
    'buddyinfo.before': buddyinfoOf(buddyBefore),
    'buddyinfo.after': buddyinfoOf(buddyAfter),
    nodes:
      nodes.length < 2 || assumed.includes('nodes')
        ? ''
        : nodes.map(({ node, cpus }) => `node${node}/cpulist:${cpus.join(',')}\n`).join(''),
    sysctl: Object.entries(sysctls)
      .map(([name, value]) => `${name} = ${value}\n`)
      .join(''),
    config: configOf(machine),
    pagetypeinfo: assumed.includes('pageblockOrder') ? '' : `Page block order: ${pageblockOrder}\n`,
  }
  return Object.fromEntries(Object.entries(files).filter(([, text]) => text !== ''))
}
