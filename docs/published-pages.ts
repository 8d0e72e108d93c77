import { join } from 'node:path'
import { choosePcp, infer, type Prices, publishedPrices, readCapture, runPolicy, scriptOf, whatIfOf } from 'kreplay'
import { recordedDrainsOf } from '#metrics'
import { holdTime, lockPricesOf, publishedFastPaths, trylockNs } from '#metrics/prices'
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

/** Minchan Kim, commit 443c2accd1b6: 1283 drain_all_pages() calls, their mean and longest, and drains a second in the netperf + hackbench test. */
const STALL_NS = 487_511.8
const LONGEST_STALL_NS = 166_713_013
const DRAINS_PER_SECOND = 100

/** Huang Ying, 20 Sep 2023: pages a second of one test at batch 63 and at 2047. */
const THROUGHPUT: Readonly<Record<string, readonly [number, number]>> = {
  spr: [513_633, 526_794],
  icx: [620_210, 638_090],
  clx: [404_707, 429_849],
  cfl: [510_543, 519_997],
}

const percent = (share: number, digits = 1): string =>
  `${share < 0 ? '−' : '+'}${Math.abs(share * 100).toFixed(digits)} %`
const between = ([least, most]: readonly [number, number]): string => `${percent(least, 2)} to ${percent(most, 2)}`

/** The published mean time under zone->lock that a page costs, freed and fetched in bulks of so many, ns. */
const lockedPerPage = ({ bulkFreeUs, refillUs }: Prices, batch: number): number =>
  [bulkFreeUs, refillUs].reduce((sum, points) => sum + (1000 * points.find(([size]) => size === batch)![1]) / batch, 0)

/** By how much more pages a second pass if a page takes less time under zone->lock and nothing else changes. */
function throughputRows(): string[][] {
  return publishedPrices.flatMap((prices) => {
    const rates = THROUGHPUT[prices.id]
    if (rates === undefined) return []
    const [before, after] = rates
    const pageNs = 1e9 / before
    const saved = lockedPerPage(prices, 63) - lockedPerPage(prices, 2047)
    const published = after / before - 1
    const simulated = pageNs / (pageNs - saved) - 1
    return [
      [
        `${prices.machine}: pages a second at batch 2047 against 63`,
        percent(published),
        percent(simulated),
        `${((simulated - published) * 100).toFixed(1).replace('-', '−')} points`,
        'predicted',
        'if the rate is one CPU’s: only time under zone->lock is taken off, by the holds published for both sizes; waiting for the lock and caches are not in it',
      ],
    ]
  })
}

/** What fast paths were measured to cost: the counts are simulated, the time has a price for one series only. */
function fastPathRows(counts: Readonly<Record<string, string>>): string[][] {
  const [least, most] = trylockNs().map((ns) => ns.toFixed(1).replace('-', '−'))
  return publishedFastPaths.map(({ drain, machine, test, slower, source }) => [
    `\`${drain}\`, ${machine}: ${test}; slower by`,
    between(slower),
    counts[drain] ?? '–',
    '–',
    'unpriced',
    drain === 'trylock' && source.includes('4b23a68f9536')
      ? `no price of one lock is published; the absolute rates of this series mean ${least} to ${most} ns a lock`
      : `no price of one ${drain === 'rcu-swap' ? 'load' : 'lock'} is published (${source})`,
  ])
}

/** The published figures of the page lists, and what kreplay makes of each. */
export async function publishedPages(root: string): Promise<string> {
  const recording = await readCapture(join(root, 'traces/drain-5.10-s'))
  const script = scriptOf(recording)
  const whatIf = whatIfOf(infer(script))
  const prices = publishedPrices.map(lockPricesOf)
  const run = (id: string) => runPolicy(whatIf, choosePcp(id, '5.10'), { prices })
  const spinlock = run('pcp/spinlock').result.work
  const swapped = run('pcp/rcu-swap')
  const swap = swapped.result.work
  const operations = (spinlock.allocs + spinlock.frees) / 2
  const locks = `${(spinlock.pcpLocks / operations).toFixed(2)} locks per allocation and free`
  const counts = {
    'rcu-swap': `${(swap.dereferences / operations).toFixed(2)} dependent loads per allocation and free`,
    spinlock: locks,
    trylock: locks,
  }
  const requester = (id: string) => run(id).times.map((times) => times.requester)
  const waits = requester('pcp/linux-5.10')
  const mean = Math.max(...waits.map(({ sumNs, count }) => sumNs / count))
  const longest = Math.max(...requester('pcp/linux-5.10{busyCpus=1}').map(({ max }) => max))
  const stalls = recordedDrainsOf(recording.events)!.waits!
  const share = (DRAINS_PER_SECOND * STALL_NS) / 1e9
  const fixed = (batch: number) => run(`pcp/fixed+work{high=${6 * batch},batch=${batch}}`).result.work.zoneLocks
  const doubled = fixed(63) / fixed(31) - 1
  const chunks = { whole: run('pcp/linux-6.12').result, chunked: run('pcp/linux-7.2').result }
  const largest = ({ bursts }: (typeof chunks)['whole']) =>
    bursts.reduce((most, { pages, requested }) => (requested ? most : Math.max(most, pages)), 0)
  const notSimulated = (what: string, published: string, why: string) => [
    what,
    published,
    '–',
    '–',
    'not simulated',
    why,
  ]
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

Everything else that was published of page lists and their drains. *Calibrated*: a parameter’s default is the figure, so the row shows only that the replay carries it through. *Unpriced*: the replay counts what the figure is of, and nobody published what
one of these costs. What is simulated is \`drain-5.10-s\`, the longest of five price lists.

${markdownTable(
  ['what', 'published', 'simulated', 'difference', 'kind', 'why'],
  [
    [
      'a drain_all_pages() call by work items, mean of 1283',
      us(STALL_NS),
      us(mean),
      difference(STALL_NS, mean),
      'calibrated',
      'the default of `workDelayNs` is this figure; the drain itself comes on top',
    ],
    [
      'the longest of them',
      us(LONGEST_STALL_NS),
      us(longest),
      difference(LONGEST_STALL_NS, longest),
      'calibrated',
      'with `busyCpus=1`: a CPU monopolised by work of higher priority, whose `busyDelayNs` is this figure',
    ],
    [
      'the mean in `drain-5.10-s`, as recorded',
      us(STALL_NS),
      us(stalls.mean),
      difference(STALL_NS, stalls.mean),
      'recorded',
      `an emulated machine with ${stalls.count} such calls: its scheduling is not a phone’s`,
    ],
    notSimulated(
      'a CMA allocation that drains, CPUs fully booked',
      'several hundred ms',
      'no trace of one; it drains once for each pageblock, so the row above adds up',
    ),
    [
      'remote drains against work items, netperf and hackbench at about 100 drains a second',
      'about 5 % faster',
      `${(share * 100).toFixed(1)} %`,
      '–',
      'predicted',
      'arithmetic, no replay: share of time that a requester waits if each of 100 drains takes the published mean; another machine than the one that ran the test',
    ],
    ...fastPathRows(counts),
    [
      'RCU swap under 100 forced drains a second for a day',
      'no page lost',
      `${swapped.result.pagesLost} lost, ${swapped.result.pagesTwice} in two places after ${swap.remoteDrains} lists drained`,
      '–',
      'predicted',
      'the books are checked at the end of every run, of every policy',
    ],
    notSimulated(
      'an allocation and a free of one page from the lists, i7-11850H at 2.5 GHz',
      '115 to 165 cycles (46 to 66 ns)',
      'what a list operation itself takes is the same in every mechanism here, and is in no total',
    ),
    ...throughputRows(),
    [
      'batch 31 → 63, will-it-scale page_fault2 on 4 sockets',
      '10 to 18 % faster',
      `zone->lock taken ${percent(doubled)}`,
      '–',
      'unpriced',
      '`high` is 6 batches in both; contention of 4 sockets is in no trace here',
    ],
    notSimulated(
      'self-tuning lists, kernel build on 224 CPUs: zone->lock taken, contention',
      '−80 to −84 %, 14.0 → 0.5 to 1.0 %',
      'no trace of that workload; see the table of kernels for the same rule on captures here',
    ),
    notSimulated(
      'the same, netperf SCTP_STREAM_MANY on 128 CPUs, lmbench AF_UNIX in 16 pairs: score',
      '+3 to +9 %, +17 to +99 %',
      'as above',
    ),
    [
      'free_pcppages_bulk() of over 1000 pages while 1 TiB boots, and soft lockups',
      '2092 calls; chunks change stress-ng by ±0.64 %',
      `largest threshold free ${largest(chunks.whole)} pages in one hold (6.12), ${largest(chunks.chunked)} (7.2)`,
      '–',
      'predicted',
      'on 320 MiB `high` is far below 1000: the rule is simulated, not the machine',
    ],
    notSimulated(
      '7.2 without SMP: size of mm/page_alloc.o',
      '−8.35 %',
      'no behaviour; `{kernel=up-bypass}` has the rule',
    ),
  ],
  [1, 2, 3],
)}
`
}
