import type { Comparison } from '#app'
import { formatDuration } from '#kernel/messages'
import {
  formatInterval,
  formatShare,
  lostWords,
  type MeasureId,
  measureOf,
  savedOf,
  skippedIn,
  verdictHelp,
} from '#report'
import { errorName, type Matrix, marked, notesOf, rowName, verdictSign, writerOfColumn } from '#report/matrix'
import { number, percent } from '../terminal.ts'

type Of<F extends Comparison['family']> = Extract<Comparison, { readonly family: F }>
type Capture = Comparison['captures'][number]

/** One table of the terminal. */
export interface Summary {
  readonly head: string[]
  readonly rows: string[][]
}

/** Where a capture comes from, in a line. */
export function captureTitle(comparison: Comparison, { name, kernel, synthetic, isolated }: Capture): string {
  const scenario =
    comparison.family === 'kvfree' ? comparison.workloads.find(({ capture }) => capture === name) : undefined
  if (scenario !== undefined) return `${name}, workload ${scenario.workload}, seed ${scenario.seed}`
  return `${name}, ${synthetic === true ? 'synthetic trace as of ' : ''}Linux ${kernel}${isolated.length > 0 ? `, isolated CPU ${isolated.join(', ')}` : ''}`
}

/** Signs behind some numbers of a column leave the digits of all in line. */
const aligned = (cells: readonly string[]): string[] =>
  cells.some((cell) => SIGNED.test(cell)) ? cells.map((cell) => (SIGNED.test(cell) ? cell : `${cell}  `)) : [...cells]
const SIGNED = / [±?!]$/

/** The decision matrix: what was recorded, then the policies; a sign marks a difference that is no finding. */
export function matrixTable(matrix: Matrix): Summary {
  const write = matrix.columns.map((_, at) => writerOfColumn(matrix, at))
  const isChecked = matrix.columns.some(({ error }) => error !== undefined)
  const columns = matrix.columns.map(({ error }, at) =>
    aligned([
      ...matrix.rows.map(({ cells }) => marked(write[at]!(cells[at]!.value), cells[at]!)),
      error === undefined ? '' : formatShare(error),
    ]),
  )
  return {
    head: ['policy', ...matrix.columns.map(({ short, unit }) => (unit === undefined ? short : `${short} (${unit})`))],
    rows: [
      ...matrix.rows.map((row, at) => [rowName(row), ...columns.map((column) => column[at]!)]),
      ...(isChecked ? [[errorName(matrix), ...columns.map((column) => column.at(-1)!)]] : []),
    ],
  }
}

/** What the signs in a matrix mean, and which measures it leaves out. */
export function matrixNotes(matrix: Matrix): string[] {
  const { rows, zero } = matrix
  const cells = rows.flatMap((row) => row.cells.filter(({ value, baseline }) => value !== baseline))
  const signs = new Map(
    cells.flatMap(({ verdict }) => (verdict === undefined ? [] : [[verdict, verdictSign[verdict]] as const])),
  )
  const assumed = new Set(
    cells.flatMap(({ verdict, because = [] }) => (verdict === 'depends-on-assumption' ? because : [])),
  )
  const meanings = [...signs].flatMap(([verdict, sign]) => {
    const named = verdict === 'depends-on-assumption' ? ` (${[...assumed].join(', ')})` : ''
    return sign === '' ? [] : [`${sign} ${verdictHelp[verdict]}${named}`]
  })
  return [
    ...(meanings.length === 0 ? [] : [`${meanings.join('; ')}. Differences without a sign are settled.`]),
    ...notesOf(matrix),
    ...(zero.length === 0 ? [] : [`Zero everywhere: ${zero.join(', ')}.`]),
  ]
}

/** Measures whose intervals the terminal has room for. */
const OPEN: readonly MeasureId[] = ['interruptions', 'zoneLocks', 'zoneLockPages', 'refills', 'bulkFrees']

/** What lost events leave open of each figure; undefined where none were lost. */
export function lossTable({ recorded, runs }: Of<'pcp'>, { name }: Capture): Summary | undefined {
  const intervals = recorded.find(({ capture }) => capture === name)?.intervals
  if (intervals === undefined) return undefined
  const here = runs.filter(({ capture }) => capture === name)
  const measures = OPEN.filter((id) =>
    [intervals, ...here.map((run) => run.intervals)].some((of) => (of?.[id]?.high ?? 0) > 0),
  )
  const row = (policy: string, of: typeof intervals = {}) => [
    policy,
    ...measures.map((id) => (of[id] === undefined ? '–' : formatInterval(of[id]))),
  ]
  return {
    head: ['policy', ...measures.map((id) => measureOf(id).short)],
    rows: [row('recorded', intervals), ...here.map((run) => row(run.policy, run.intervals))],
  }
}

/** How near each policy is to the least work that any list rules could do; undefined where that is not known. */
export function optimumTable({ runs, baseline }: Of<'pcp'>, { name }: Capture): Summary {
  return {
    head: ['policy', 'served from a list', 'locks saved (% of optimum)', 'pages saved (% of optimum)'],
    rows: runs
      .filter(({ capture }) => capture === name)
      .map(({ policy, work, bounds }) => [
        policy === baseline ? `${policy} (baseline)` : policy,
        percent(work.allocs === 0 ? undefined : work.allocsFromList / work.allocs),
        percent(savedOf({ bounds, work }).takes),
        percent(savedOf({ bounds, work }).pages),
      ]),
  }
}

/** How long and how large holds of zone->lock are, under the first price list; undefined where no run has prices. */
export function holdTable({ runs }: Of<'pcp'>, { name }: Capture): (Summary & { readonly title: string }) | undefined {
  const own = runs.filter(({ capture, times }) => capture === name && times.length > 0)
  const prices = own[0]?.times[0]?.prices
  const over = own[0]?.largeHolds.at(-1)?.over
  if (prices === undefined) return undefined
  const ns = (value: number | undefined): string =>
    value === undefined ? '–' : value === 0 ? 'none' : formatDuration(value)
  const machine = own[0]?.priced.find((one) => one.prices === prices)?.machine ?? prices
  return {
    title: `zone->lock hold and wait times at prices of ${machine} (${prices}); a kernel that frees in batches may release the lock between batches`,
    head: [
      'policy',
      'hold p50',
      'p99',
      'longest',
      'wait p99.9',
      'longest',
      `bulk frees of over ${number(over ?? 0)} pages`,
    ],
    rows: own.map(({ policy, times, largeHolds }) => {
      const { zoneHold, zoneWait } = times[0]!
      const large = largeHolds.at(-1)
      return [
        policy,
        ns(zoneHold.p50),
        ns(zoneHold.p99),
        ns(zoneHold.max),
        ns(zoneWait.p999),
        ns(zoneWait.max),
        number(large?.bulkFrees ?? 0),
      ]
    }),
  }
}

/**
 * Work items that empty caches of CPUs other than page lists, and what remote locks or deferral would do instead; undefined where none was
 * recorded.
 */
export function deferredTable({
  works,
  isolated,
}: Pick<Extract<Capture, { works?: unknown }>, 'works' | 'isolated'>): Summary | undefined {
  if (works === undefined || works.drains.length === 0) return undefined
  const isolates = isolated.length > 0
  return {
    head: [
      'caches emptied',
      'work items',
      ...(isolates ? ['isolated CPUs'] : []),
      'or: remote locks',
      'by the CPU itself',
      'or: deferred to next return',
      'longest wait',
    ],
    rows: works.drains.map(({ subject, work, remoteLock, deferred }) => [
      subject,
      number(work.runs),
      ...(isolates ? [number(work.onIsolated)] : []),
      number(remoteLock.locks),
      number(remoteLock.own),
      number(deferred.runs),
      deferred.waitNs === undefined ? '–' : formatDuration(deferred.waitNs.max),
    ]),
  }
}

/** What the kernel's own benchmark would have printed, policy by policy. */
export const rcuscaleLines = (comparison: Comparison, capture: Capture): string[] =>
  comparison.family !== 'kvfree'
    ? []
    : comparison.runs.flatMap(({ capture: name, policy, rcuscale }) =>
        name !== capture.name || rcuscale === undefined ? [] : [`${policy}: ${rcuscale.line}`],
      )

/** What was lost in recording, and what could not be read and why. */
export function lackLines({ losses, tally }: Pick<Capture, 'losses' | 'tally'>): string[] {
  const lost = lostWords(losses)
  return [
    ...(lost === undefined ? [] : [`Lost in recording: ${lost}.`]),
    ...skippedIn(tally).map(
      ({ cause, count, help, first }) =>
        `${number(count)} × ${cause}: ${help}${first === undefined ? '' : ` First: ${first}.`}`,
    ),
  ]
}
