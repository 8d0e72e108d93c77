import { type BuddyCounts, type Machine, unameOf, type Zone } from '#kernel'

/** A zone as /proc/zoneinfo prints it, as far as kreplay reads it. */
function zoneinfoOf({ node, name, pagesets, promo, ...zone }: Zone): string {
  const line = (label: string, value: number) => `        ${label.padEnd(8)} ${value}\n`
  const pageset = ({ cpu, count, high, batch, highMin, highMax }: Zone['pagesets'][number]) =>
    `    cpu: ${cpu}\n              count: ${count}\n              high:  ${high}\n              batch: ${batch}\n${
      highMin === undefined ? '' : `              high_min: ${highMin}\n`
    }${highMax === undefined ? '' : `              high_max: ${highMax}\n`}`
  return [
    `Node ${node}, zone ${name.padStart(8)}\n  pages free     ${zone.free}\n`,
    line('min', zone.min),
    line('low', zone.low),
    line('high', zone.high),
    ...(promo === undefined ? [] : [line('promo', promo)]),
    line('spanned', zone.spanned),
    line('present', zone.present),
    line('managed', zone.managed),
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

/** The files beside a trace in which a machine tells of itself, by name; those of which it knows nothing are left out. */
export function sidecarsOf({
  release,
  zones,
  zonesAfter,
  buddyBefore,
  buddyAfter,
  cmdline,
}: Machine): Record<string, string> {
  const files = {
    uname: release === undefined ? '' : `${unameOf(release)}\n`,
    cmdline: cmdline === undefined ? '' : `${cmdline}\n`,
    'zoneinfo.before': zones.map(zoneinfoOf).join(''),
    'zoneinfo.after': zonesAfter.map(zoneinfoOf).join(''),
    'buddyinfo.before': buddyinfoOf(buddyBefore),
    'buddyinfo.after': buddyinfoOf(buddyAfter),
  }
  return Object.fromEntries(Object.entries(files).filter(([, text]) => text !== ''))
}
