import type { PcpComparison, Run } from '#metrics'
import { publishedFastPaths, trylockNs } from '#metrics/prices'
import { formatBounds, formatShare } from '../format.ts'
import { baselineRow, perCapture } from './common.ts'
import { type Cell, count, percent, type Section, type Table, text } from './section.ts'

export const fastPath: Section = {
  id: 'fast-path',
  question: 'What does each allocation and free pay?',
  short: 'Fast path',
  applies: ({ runs }) => runs.length > 0,
  build: (comparison) => ({
    paragraphs: [
      'Fast-path work per policy, counted, with the published cost of its mechanism: the least and the most of all tests that were published.',
    ],
    tables: [
      ...perCapture(comparison, (_capture, runs, of) => [countTable(comparison, runs, of)]),
      ...publishedTable(comparison.runs),
    ],
    caveats: comparison.runs.some(({ drain }) => Object.hasOwn(absolute, drain))
      ? [
          `Absolute rates were published for the try-lock series alone (commit 4b23a68f9536, one machine, 1 and 8 threads). If the whole difference were the lock’s, one would take ${formatBounds(...trylockNs())}; the time in the table is that for each lock counted. The range holds 0: no cost is shown beyond noise.`,
        ]
      : [],
  }),
}

/** Drain mechanisms whose cost was published in absolute terms: ns of one operation’s lock. */
const absolute: Readonly<Record<string, () => [number, number]>> = { trylock: trylockNs }

/** The least and the most of all that was published of a mechanism. */
function publishedOf(drain: string): Cell {
  const shares = publishedFastPaths.filter((one) => one.drain === drain).flatMap(({ slower }) => slower)
  return shares.length === 0
    ? undefined
    : `${percentSlower(Math.min(...shares))} to ${percentSlower(Math.max(...shares))}`
}

const percentSlower = (share: number): string => `${share > 0 ? '+' : ''}${formatShare(share)}`

function timeOf({ drain, work: { pcpLocks } }: Run): Cell {
  const [least, most] = absolute[drain]?.() ?? []
  return least === undefined || most === undefined || pcpLocks === 0
    ? undefined
    : formatBounds(least * pcpLocks, most * pcpLocks)
}

const countTable = ({ baseline }: PcpComparison, runs: readonly Run[], of: string): Table => ({
  caption: `What allocations and frees do, and what that was measured to cost elsewhere${of}`,
  columns: [
    text('policy'),
    count('operations', undefined, 'Allocations and frees.'),
    count('interrupts off and on', 'fewer'),
    count('per-CPU locks taken', 'fewer', 'Atomic operations, uncontended but for drains.'),
    count('extra dereferences', 'fewer'),
    count('sleeps with interrupts off', 'fewer', 'Of PREEMPT_RT before the delta of 29 Apr 2022: a bug.'),
    text('published: slower by'),
    text('at absolute rates'),
  ],
  rows: runs.map((run) => [
    run.policy,
    run.work.allocs + run.work.frees,
    run.work.irqSaves,
    run.work.pcpLocks,
    run.work.dereferences,
    run.work.sleepsInAtomic,
    publishedOf(run.drain),
    timeOf(run),
  ]),
  ...baselineRow(runs, baseline),
})

function publishedTable(runs: readonly Run[]): Table[] {
  const drains = new Set(runs.map(({ drain }) => drain))
  const known = publishedFastPaths.filter(({ drain }) => drains.has(drain))
  if (known.length === 0) return []
  return [
    {
      caption: 'Published, against the kernel of its time: how much slower a test ran (below 0: faster)',
      columns: [text('mechanism'), text('machine'), text('test'), percent('least'), percent('most'), text('source')],
      rows: known.map(({ drain, machine, test, slower, source }) => [drain, machine, test, ...slower, source]),
    },
  ]
}
