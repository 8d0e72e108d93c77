import type { KvfreeComparedRun, KvfreeComparison } from '#metrics/kvfree'
import { perCapture, sum } from '../common.ts'
import { count, duration, type Section, type Table, text } from '../section.ts'

/** CPUs listed one by one. */
const MOST_CPUS = 8

export const kvfreeChannels: Section<KvfreeComparison> = {
  id: 'channels',
  question: 'Where do pointers go when there is no page, and who waits?',
  short: 'Channels',
  applies: ({ runs }) => runs.length > 0,
  build: (comparison) => ({
    tables: perCapture(comparison, (_capture, runs, of) => [pages(runs, of), work(runs, of), channels(runs, of)]),
  }),
}

const pages = (runs: KvfreeComparedRun[], of: string): Table => ({
  caption: `Pages of pointers, fallbacks and throttled callers${of}`,
  columns: [
    text('policy'),
    count('pages by refill'),
    count('by callers'),
    count('from page lists'),
    count('wasted', 'fewer'),
    count('returned'),
    count('put on a list', 'fewer', 'Objects that found no page (channel 3).'),
    count('calls that waited a grace period', 'fewer'),
    count('calls throttled', 'fewer', 'For a grace period, a page or memory.'),
    duration('throttled for', 'fewer'),
  ],
  rows: runs.map(({ policy, work }) => [
    policy,
    work.pagesByRefill,
    work.pagesByCaller,
    work.pagesByPcp,
    work.pagesWasted,
    work.pagesReturned,
    work.listFallbacks,
    work.inlineWaits,
    work.throttledCallers,
    work.throttledNs,
  ]),
})

const work = (runs: KvfreeComparedRun[], of: string): Table => ({
  caption: `Work items and callbacks${of}`,
  columns: [
    text('policy'),
    count('monitors'),
    count('batch works'),
    count('refills'),
    count('callbacks'),
    count('context switches', 'fewer'),
    duration('CPU time taken from callers', 'fewer'),
  ],
  rows: runs.map(({ policy, work }) => [
    policy,
    work.monitorRuns,
    work.batchRuns,
    work.refillRuns,
    work.callbacks,
    work.contextSwitches,
    work.stolenNs,
  ]),
})

const channels = (runs: KvfreeComparedRun[], of: string): Table => ({
  caption: `How each CPU’s objects were freed${of}; at most ${MOST_CPUS} CPUs`,
  columns: [
    text('policy'),
    text('CPU'),
    count('pages of slab pointers'),
    count('of vmalloc pointers'),
    count('list'),
    count('sheaves'),
    count('callbacks'),
    count('by the caller'),
  ],
  rows: runs.flatMap(({ policy, cpus: all }) => {
    const row = (cpu: string, of: typeof all) => [
      policy,
      cpu,
      ...(['slab', 'vmalloc', 'list', 'sheaf', 'callback', 'inline'] as const).map((channel) =>
        sum(of.map((one) => one[channel])),
      ),
    ]
    return [row('all', all), ...all.slice(0, MOST_CPUS).map((one) => row(String(one.cpu), [one]))]
  }),
})
