import { type Costs, type Fleet, simulate, type Work } from './simulate.ts'

/** A host of a cluster, its link and the store behind it: what one may rent. */
const HOST: Omit<Fleet, 'hosts'> = {
  threads: 32,
  memory: 128e9,
  link: 1.25e9,
  store: 50e9,
  serverCores: 8,
}

export const works: readonly { readonly title: string; readonly work: Work }[] = [
  { title: '10^5 captures of 10^8 events, 45 policies', work: { captures: 1e5, events: 1e8, runs: 45 } },
  { title: '10^6 captures of 5 × 10^5 events, 45 policies', work: { captures: 1e6, events: 5e5, runs: 45 } },
]
export const hosts = [1, 10, 100, 1000] as const

const spanOf = (seconds: number): string =>
  seconds < 7200
    ? `${(seconds / 60).toFixed(1)} min`
    : seconds < 2 * 86_400
      ? `${(seconds / 3600).toFixed(1)} h`
      : `${(seconds / 86_400).toFixed(1)} days`
const percent = (share: number): string => `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`

/** Time and what is busy, by number of hosts, as Markdown. */
export function scaleTable(work: Work, costs: Costs): string {
  const rows = hosts.map((count) => {
    const { seconds, busy } = simulate(work, { ...HOST, hosts: count }, costs)
    return `| ${count.toLocaleString('en-US')} | ${spanOf(seconds)} | ${percent(busy.cpus)} | ${percent(busy.queue)} | ${percent(busy.store)} | ${percent(busy.planner)} |`
  })
  return [
    '| hosts | time | cores busy | queue busy | store of captures busy | planner busy |',
    '|--:|--:|--:|--:|--:|--:|',
    ...rows,
  ].join('\n')
}
