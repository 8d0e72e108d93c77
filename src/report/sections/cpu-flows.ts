import { counted } from '#kernel/messages'
import type { PcpComparison, Run } from '#metrics'
import type { CpuFlows } from '#metrics/survey'
import { formatCount, formatShare } from '../format.ts'
import { colour } from '../runtime/theme.ts'
import { SHORT_NUMBERS } from './charts.ts'
import { baselineRow, perCapture, toSeconds } from './common.ts'
import {
  type Built,
  type Chart,
  count,
  duration,
  pages,
  percent,
  type Section,
  seconds,
  type Table,
  text,
  workColumn,
} from './section.ts'

/** More CPUs stand as pairs in a table, and in groups on a map. */
const MOST_COLUMNS = 8
const MOST_GROUPS = 32
/** Rows of tables in a comparison; JSON has them whole. */
const MOST_ROWS = 10
/** Spans of time that `info` shows. */
const FEW_SPANS = 10

export const cpuFlows: Section = {
  id: 'cpu-flows',
  question: 'Which CPU frees what which CPU allocated?',
  short: 'Allocating and freeing CPU',
  applies: ({ captures }) => captures.some(({ cpuFlows }) => cpuFlows !== undefined),
  build: (comparison) => ({
    paragraphs: perCapture(comparison, ({ cpuFlows }, _runs, of) =>
      cpuFlows === undefined ? [] : [flowWords(cpuFlows, of)],
    ),
    charts: perCapture(comparison, ({ cpuFlows }, _runs, of, index) =>
      cpuFlows === undefined ? [] : [flowMap(cpuFlows, `cpu-flows-${index}`, of)],
    ),
    tables: perCapture(comparison, ({ cpuFlows }, runs, of) => [
      ...(cpuFlows === undefined ? [] : flowTables(cpuFlows, of)),
      ...(runs.some(({ work }) => work.remoteListLocks + work.ownedPageblocks > 0)
        ? [ownerTable(comparison, runs, of)]
        : []),
    ]),
  }),
}

interface Pair {
  readonly from: number
  readonly to: number
  readonly pages: number
}

const pairsOf = ({ matrix }: CpuFlows): Pair[] =>
  matrix.flatMap(({ allocatedOn, freedOn }) =>
    Object.entries(freedOn).map(([to, pages]) => ({ from: allocatedOn, to: Number(to), pages })),
  )

const totalOf = (pairs: readonly Pair[]): number => pairs.reduce((sum, { pages }) => sum + pages, 0)

/** How much is freed elsewhere, in pages and in frees, and who does it. */
function flowWords(flows: CpuFlows, of = ''): string {
  const all = pairsOf(flows)
  const away = totalOf(all.filter(({ from, to }) => from !== to))
  const frees = flows.matrix.flatMap(({ allocatedOn, frees }) =>
    Object.entries(frees).map(([to, pages]) => ({ from: allocatedOn, to: Number(to), pages })),
  )
  const freesAway = totalOf(frees.filter(({ from, to }) => from !== to))
  const [most] = flows.byFreeing
  const who =
    most === undefined || away === 0
      ? ''
      : ` ${most.comm ?? 'An unknown task'} frees ${formatShare(most.crossCpu / away)} of these.`
  return `Pages freed on another CPU than they were allocated on${of}: ${formatCount(away)} of ${formatCount(totalOf(all))} (${formatShare(away / totalOf(all))}); by frees, ${formatCount(freesAway)} of ${formatCount(totalOf(frees))} (${formatShare(freesAway / totalOf(frees))}).${who}`
}

/** What `info` says: whole tables, which its own limit cuts, and no chart, so that its page runs no script. */
export const flowPart = (flows: CpuFlows | undefined): Built | undefined =>
  flows === undefined
    ? undefined
    : {
        paragraphs: [flowWords(flows)],
        tables: [...flowTables(flows, '', Number.POSITIVE_INFINITY), timeTable(flows, FEW_SPANS)],
      }

/** By pair of CPUs, by process and by order. */
const flowTables = (flows: CpuFlows, of = '', most = MOST_ROWS): Table[] => [
  pairTable(flows, of, most),
  {
    caption: `Pages freed on another CPU, by the process that frees${of}`,
    columns: [text('process'), pages('freed'), pages('from another CPU'), percent('share')],
    rows: flows.byFreeing.slice(0, most).map((row) => [nameOf(row), ...shared(row)]),
  },
  {
    caption: `Pages freed on another CPU, by the process that allocates${of}`,
    columns: [text('process'), pages('freed again'), pages('on another CPU'), percent('share')],
    rows: flows.byAllocating.slice(0, most).map((row) => [nameOf(row), ...shared(row)]),
  },
  {
    caption: `Pages freed on another CPU, by order of the free${of}`,
    columns: [text('order'), pages('freed'), pages('from another CPU'), percent('share')],
    rows: flows.byOrder.map((row) => [String(row.order), ...shared(row)]),
  },
]

const nameOf = ({ comm }: { readonly comm?: string | undefined }): string => comm ?? '(unknown)'

const shared = (row: { readonly pages: number; readonly crossCpu: number }): number[] => [
  row.pages,
  row.crossCpu,
  row.crossCpu / row.pages,
]

/** CPUs that allocate or free. */
const cpusOf = (pairs: readonly Pair[]): number[] =>
  [...new Set(pairs.flatMap(({ from, to }) => [from, to]))].sort((a, b) => a - b)

function pairTable(flows: CpuFlows, of: string, most: number): Table {
  const pairs = pairsOf(flows)
  const cpus = cpusOf(pairs)
  if (cpus.length > MOST_COLUMNS)
    return {
      caption: `Pages by allocating and freeing CPU, where these differ${of}`,
      columns: [text('allocated on'), text('freed on'), pages('pages'), percent('share of all')],
      rows: pairs
        .filter(({ from, to }) => from !== to)
        .sort((a, b) => b.pages - a.pages)
        .slice(0, most)
        .map((pair) => [`CPU ${pair.from}`, `CPU ${pair.to}`, pair.pages, pair.pages / totalOf(pairs)]),
    }
  return {
    caption: `Pages by the CPU that allocated them (rows) and the CPU that they were freed on${of}`,
    columns: [text('CPU'), ...cpus.map((cpu) => count(`on ${cpu}`))],
    rows: cpus.map((from) => [
      String(from),
      ...cpus.map((to) => pairs.find((pair) => pair.from === from && pair.to === to)?.pages ?? 0),
    ]),
  }
}

/** Pairs of CPUs, or of groups of so many. */
function grouped(pairs: readonly Pair[]): { readonly size: number; readonly pairs: readonly Pair[] } {
  const size = Math.ceil((Math.max(...cpusOf(pairs)) + 1) / MOST_GROUPS)
  const sums = new Map<string, Pair>()
  for (const { from, to, pages } of pairs) {
    const [a, b] = [Math.trunc(from / size) * size, Math.trunc(to / size) * size]
    sums.set(`${a} ${b}`, { from: a, to: b, pages: pages + (sums.get(`${a} ${b}`)?.pages ?? 0) })
  }
  return { size, pairs: [...sums.values()] }
}

/** A map of pairs; the table behind it is the share over time. */
function flowMap(flows: CpuFlows, id: string, of = ''): Chart {
  const { size, pairs } = grouped(pairsOf(flows))
  const cpus = cpusOf(pairs)
  const label = (cpu: number): string => (size === 1 ? String(cpu) : `${cpu}–${cpu + size - 1}`)
  const largest = pairs.reduce((most, pair) => (pair.pages > most.pages ? pair : most))
  const axis = { labelAngle: 0, labelOverlap: 'greedy', ticks: false, domain: false } as const
  return {
    id,
    title: `Do pages come back to the CPU that allocated them?${of}`,
    alt: `Map of pages by the CPU that allocated them, upwards, and the CPU that freed them, to the right. ${flowWords(flows)} The most go from CPU ${label(largest.from)} to CPU ${label(largest.to)}: ${counted(largest.pages, 'page')}.`,
    legend: [],
    spec: {
      data: {
        values: pairs.map(({ from, to, pages }) => ({ from: label(from), to: label(to), pages })),
      },
      width: Math.min(600, 90 + 34 * cpus.length),
      height: Math.min(420, 34 * cpus.length),
      mark: { type: 'rect', stroke: colour('grid') },
      encoding: {
        x: { field: 'to', type: 'ordinal', sort: cpus.map(label), axis: { title: 'freed on CPU', ...axis } },
        y: { field: 'from', type: 'ordinal', sort: cpus.map(label), axis: { title: 'allocated on CPU', ...axis } },
        color: {
          field: 'pages',
          type: 'quantitative',
          scale: { range: [colour('grid'), colour('k0')], zero: true, nice: true },
          legend: { title: 'pages', ...SHORT_NUMBERS },
        },
        tooltip: [
          { field: 'from', title: 'allocated on CPU' },
          { field: 'to', title: 'freed on CPU' },
          { field: 'pages', title: 'pages', format: ',' },
        ],
      },
    },
    table: timeTable(flows, flows.overTime.length, of),
  }
}

/** Over time, in so many spans at most. */
function timeTable({ overTime }: CpuFlows, spans: number, of = ''): Table {
  const each = Math.ceil(overTime.length / spans)
  return {
    caption: `Pages freed on another CPU over time, by the ends of equal spans${of}`,
    columns: [seconds('time'), pages('freed'), pages('from another CPU'), percent('share')],
    rows: overTime
      .filter((_, at) => (at + 1) % each === 0 || at === overTime.length - 1)
      .map(({ t }, row) => {
        const within = overTime.slice(row * each, (row + 1) * each)
        const freed = within.reduce((sum, one) => sum + one.pages, 0)
        const away = within.reduce((sum, one) => sum + one.crossCpu, 0)
        return [toSeconds(t), freed, away, freed === 0 ? undefined : away / freed]
      }),
  }
}

const ownerTable = ({ baseline }: PcpComparison, runs: Run[], of: string): Table => ({
  caption: `Frees to the owner’s lists, and what stays there${of}`,
  columns: [
    text('policy'),
    workColumn('frees', 'frees'),
    workColumn('remoteListLocks', 'list locks taken from afar', 'fewer'),
    percent('share of frees'),
    workColumn('pcpLocksContended', 'found the lock held', 'fewer'),
    duration(
      'waited for it in all',
      'fewer',
      'Under the first price list; with a try-lock they go to the buddy instead.',
    ),
    workColumn('strandedWithOwners', 'stranded with owners', 'fewer'),
    workColumn('ownedPageblocks', 'pageblocks owned'),
    workColumn('wholeBlocksAfterDrain', 'whole, lists emptied', 'more'),
  ],
  rows: runs.map(({ policy, work, times }) => [
    policy,
    work.frees,
    work.remoteListLocks,
    work.frees === 0 ? undefined : work.remoteListLocks / work.frees,
    work.pcpLocksContended,
    times[0]?.listWait.sumNs,
    work.strandedWithOwners,
    work.ownedPageblocks,
    work.wholeBlocksAfterDrain,
  ]),
  ...baselineRow(runs, baseline),
})
