import { join } from 'node:path'
import {
  choosePcp,
  eachEvent,
  holdTime,
  infer,
  type Prices,
  publishedPrices,
  readCapture,
  runPolicy,
  scriptOf,
} from 'kreplay'
import { markdownTable } from './markdown.ts'

const us = (ns: number): string => `${(ns / 1000).toFixed(2)} µs`
const difference = (published: number, simulated: number): string =>
  `${simulated >= published ? '+' : '−'}${Math.abs((100 * (simulated - published)) / published).toFixed(1)} %`

type Points = Prices['bulkFreeUs']

/** Each published point against the line through all of them (calibrated), and against the line through the others (predicted). */
function fitRows({ machine }: Prices, what: string, points: Points): string[][] {
  return points.map(([pages, meanUs]) => {
    const published = meanUs * 1000
    const fitted = holdTime(points)(pages)
    const others = holdTime(points.filter(([size]) => size !== pages))(pages)
    return [
      machine,
      what,
      String(pages),
      us(published),
      us(fitted),
      difference(published, fitted),
      us(others),
      difference(published, others),
    ]
  })
}

/** Minchan Kim, commit 443c2accd1b6: mean of 1283 drain_all_pages() calls, and drains a second in the netperf + hackbench test. */
const STALL_NS = 487_511.8
const DRAINS_PER_SECOND = 100
/** Mel Gorman, commit 4b23a68f9536: faults a second of one thread before, and the least and the most that were lost. */
const FAULTS_PER_SECOND = 869_276
const SPINLOCK_LOSSES = [0.001, 0.0134]

/** How long each recorded drain_all_pages() of 5.10 took, from the call to the end of its last work item. */
async function recordedStalls(path: string): Promise<number[]> {
  const { events } = await readCapture(path)
  const stalls: number[] = []
  let asked: number | undefined
  let last = 0
  for (const event of eachEvent(events)) {
    if (event.event === 'drain_all_pages') {
      if (asked !== undefined && last > asked) stalls.push(last - asked)
      asked = event.time
      last = 0
    } else if (event.event === 'workqueue_execute_start' && event.function === 'drain_local_pages_wq') last = event.time
  }
  if (asked !== undefined && last > asked) stalls.push(last - asked)
  return stalls
}

/** The published figures of the page lists, and what kreplay makes of each. */
export async function publishedPages(root: string): Promise<string> {
  const path = join(root, 'traces/drain-5.10-s')
  const script = scriptOf(await readCapture(path))
  const { inferred } = infer(script)
  const spinlock = runPolicy(script, choosePcp('pcp/spinlock', '5.10'), inferred).result.work
  const swap = runPolicy(script, choosePcp('pcp/rcu-swap', '5.10'), inferred).result.work
  const operations = (spinlock.allocs + spinlock.frees) / 2
  const locksPerPair = spinlock.pcpLocks / operations
  const derefsPerPair = swap.dereferences / operations
  const faultNs = 1e9 / FAULTS_PER_SECOND
  const implied = (perPair: number): string =>
    SPINLOCK_LOSSES.map((loss) => `${((loss * faultNs) / perPair).toFixed(1)}`).join(' to ')
  const stalls = await recordedStalls(path)
  const meanStall = stalls.reduce((sum, ns) => sum + ns, 0) / stalls.length
  const share = (DRAINS_PER_SECOND * STALL_NS) / 1e9
  return `## Published figures of page lists

How long zone->lock is held, by pages moved (Huang Ying, 20 Sep 2023). *Calibrated* is the line that prices use: it has seen the point. *Predicted* is the line through the other points only.

${markdownTable(
  ['machine', 'operation', 'pages', 'published', 'calibrated', 'residual', 'predicted', 'difference'],
  publishedPrices.flatMap((prices) => [
    ...fitRows(prices, 'bulk free', prices.bulkFreeUs),
    ...fitRows(prices, 'refill', prices.refillUs),
  ]),
  [2, 3, 4, 5, 6, 7],
)}

${markdownTable(
  ['what', 'published', 'simulated', 'difference', 'kind', 'why'],
  [
    [
      'a drain_all_pages() call by work items, mean',
      us(STALL_NS),
      us(STALL_NS),
      '0 %',
      'calibrated',
      'the default of `workDelayNs` is this figure',
    ],
    [
      'the same in `drain-5.10-s`, as recorded',
      us(STALL_NS),
      us(meanStall),
      difference(STALL_NS, meanStall),
      'recorded',
      `an emulated machine with ${stalls.length} such calls: its scheduling is not a phone’s`,
    ],
    [
      'remote drains against work items, netperf and hackbench at about 100 drains a second',
      'about 5 % faster',
      `${(share * 100).toFixed(1)} %`,
      '–',
      'predicted',
      'share of time that a requester waits if each of 100 drains takes the published mean; another machine than the one that ran the test',
    ],
    [
      'a per-CPU spinlock in the fast path, page faults a second, worst and best of two postings',
      '−1.34 % to −0.10 %',
      `${locksPerPair.toFixed(2)} locks per allocation and free`,
      '–',
      'unpriced',
      `no price of one uncontended lock is published; these two would mean ${implied(locksPerPair)} ns a lock`,
    ],
    [
      'RCU swap, page-fault test, system time, worst machine',
      '+1 % to +3 %',
      `${derefsPerPair.toFixed(2)} dependent loads per allocation and free`,
      '–',
      'unpriced',
      'no price of one load is published; it depends on the cache',
    ],
    [
      'self-tuning lists, kernel build on 224 CPUs: zone->lock taken',
      '−84 % (p7)',
      '–',
      '–',
      'not simulated',
      'no trace of that workload; see the table of kernels for the same rule on captures here',
    ],
  ],
  [1, 2, 3],
)}
`
}
