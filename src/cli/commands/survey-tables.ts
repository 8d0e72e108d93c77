import type { Spread, Survey } from '#metrics'
import { number, percent, print, printTable } from '../terminal.ts'

const share = (part: number, whole: number): string => percent(whole === 0 ? undefined : part / whole)

/** A time with three digits, in the unit in which it is easiest to read. */
export function time(ns: number | undefined): string {
  if (ns === undefined) return '–'
  if (ns < 1e3) return `${(ns / 1e3).toFixed(3)} µs`
  const [value, unit] = ns < 1e6 ? [ns / 1e3, 'µs'] : ns < 1e9 ? [ns / 1e6, 'ms'] : [ns / 1e9, 's']
  return `${value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0)} ${unit}`
}

const count = (value: number | undefined): string => (value === undefined ? '–' : number(value))
const times = (of: Spread | undefined): string[] => [time(of?.p50), time(of?.p99), time(of?.max)]

/** One table with its heading; of long ones the top, and how many rows are left out. */
function table<R>(title: string, head: string[], rows: readonly R[], top: number, cells: (row: R) => string[]): void {
  if (rows.length === 0) return
  print(`\n${title}${rows.length > top ? `, top ${top} of ${number(rows.length)}` : ''}`)
  printTable(head, rows.slice(0, top).map(cells))
}

const sections: readonly ((survey: Survey, top: number) => void)[] = [
  ({ pages }, top) => {
    if (pages === undefined) return
    const { matching } = pages
    print(
      `\n${number(pages.pagesAllocated)} pages allocated in ${number(pages.allocs)} allocations, ${number(pages.pagesFreed)} freed in ${number(pages.frees)} frees (${number(pages.freesBatched)} of them in batches); ${number(pages.failures)} allocations failed.`,
    )
    print(
      `Of the pages freed, ${number(matching.crossCpu)} (${share(matching.crossCpu, matching.matched)} of those whose allocation was recorded) were freed on another CPU.`,
    )
    const byOrder = pages.byOrder
    table(
      'Pages by order',
      ['order', 'allocs', 'pages', 'frees', 'pages freed', 'failed'],
      byOrder,
      Infinity,
      (row) => [
        String(row.order),
        ...[row.allocs, row.pagesAllocated, row.frees, row.pagesFreed, row.failures].map(number),
      ],
    )
    table(
      'Allocations by migratetype',
      ['migratetype', 'allocs', 'pages', 'failed'],
      pages.byMigratetype,
      top,
      (row) => [row.name, ...[row.allocs, row.pagesAllocated, row.failures].map(number)],
    )
    table('Allocations by flags', ['gfp flags', 'allocs', 'pages', 'failed'], pages.byGfp, top, (row) => [
      row.names,
      ...[row.allocs, row.pagesAllocated, row.failures].map(number),
    ])
  },
  ({ processes = [] }, top) =>
    table(
      'Pages by process',
      [
        'process',
        'pids',
        'allocated',
        'freed',
        'under lock',
        'refills',
        'drains',
        'drained',
        'fallbacks',
        'severe',
        'failed',
      ],
      processes,
      top,
      (row) => [
        row.comm ?? '(unknown)',
        ...[
          row.pids,
          row.pagesAllocated,
          row.pagesFreed,
          row.lockedPages,
          row.refills,
          row.drains,
          row.drainedPages,
        ].map(number),
        ...[row.fallbacks, row.severe, row.failures].map(number),
      ],
    ),
  ({ lists }) => {
    if (lists === undefined) return
    const runs = [
      ['refill', lists.refills],
      ['drain', lists.drains],
    ] as const
    table(
      'Per-CPU lists: runs of consecutive events on a CPU',
      ['run', 'runs', 'pages', 'p50', 'p99', 'max'],
      runs,
      9,
      ([name, of]) => [
        name,
        ...[of?.count ?? 0, of?.total ?? 0].map(number),
        ...[of?.p50, of?.p99, of?.max].map(count),
      ],
    )
    table('Per-CPU lists by CPU', ['CPU', 'refills', 'pages', 'drains', 'drained'], lists.perCpu, Infinity, (row) => [
      String(row.cpu),
      ...[row.refills, row.refillPages, row.drains, row.drainedPages].map(number),
    ])
  },
  ({ fragmentation }, top) => {
    if (fragmentation === undefined) return
    table(
      `Fallbacks: ${number(fragmentation.events)}, of which ${number(fragmentation.fragmenting)} take less than a pageblock (order ${fragmentation.pageblockOrder})`,
      ['for', 'from', 'events', 'severe', 'moderate', 'whole block', 'block changed type'],
      fragmentation.byMigratetypes,
      top,
      (row) => [
        row.for,
        row.from,
        ...[row.events, row.severe, row.moderate, row.whole, row.changedOwnership].map(number),
      ],
    )
  },
  ({ slab }, top) => {
    if (slab === undefined) return
    print(
      `\n${number(slab.allocs)} objects allocated: ${number(slab.bytesReq)} bytes asked for, ${number(slab.bytesAlloc)} taken, ${percent(slab.waste)} wasted; ${number(slab.frees)} freed, ${share(slab.matching.crossCpu, slab.matching.matched)} of the matched ones on another CPU; ${number(slab.failures)} allocations failed.`,
    )
    const cells = (row: {
      allocs: number
      bytesReq: number
      bytesAlloc: number
      waste: number | undefined
      pingPong: number
      aliveAtEnd: number
    }) => [
      number(row.allocs),
      number(row.bytesReq),
      number(row.bytesAlloc),
      percent(row.waste),
      number(row.pingPong),
      number(row.aliveAtEnd),
    ]
    const head = ['allocs', 'bytes asked', 'bytes taken', 'waste', 'ping-pong', 'alive']
    table('Slab by cache', ['cache', ...head, 'frees'], slab.byCache, top, (row) => [
      row.cache,
      ...cells(row),
      number(row.frees),
    ])
    table('Slab by call site', ['call site', ...head, 'failed'], slab.byCallSite, top, (row) => [
      row.callSite,
      ...cells(row),
      number(row.failures),
    ])
  },
  ({ rcu }, top) => {
    if (rcu === undefined) return
    table(
      'RCU grace periods',
      ['flavour', 'complete', 'cut off', 'length p50', 'p99', 'max', 'gap p50', 'max'],
      rcu.gracePeriods,
      top,
      (row) => [
        row.flavour,
        number(row.count),
        number(row.unfinished),
        ...times(row.lengthNs),
        time(row.gapNs?.p50),
        time(row.gapNs?.max),
      ],
    )
    for (const { flavour, lastReport } of rcu.gracePeriods)
      if (!flavour.endsWith('expedited'))
        table(
          `Last report that ${flavour}’s grace periods waited for`,
          ['from', 'grace periods', 'length p50', 'p99', 'max'],
          lastReport,
          top,
          (row) => [row.by, number(row.count), ...times(row.lengthNs)],
        )
    table(
      'RCU callbacks: time from queueing to invocation',
      ['function', 'queued', 'invoked', 'latency p50', 'p99', 'max'],
      rcu.callbacks?.byFunction ?? [],
      top,
      (row) => [row.function, number(row.queued), number(row.invoked), ...times(row.latencyNs)],
    )
    const sizes = [
      ['callbacks in a batch', rcu.callbacks?.batches],
      ['kvfree_rcu() bulk frees', rcu.kvfreeBulk],
    ] as const
    table(
      'RCU batches',
      ['of', 'batches', 'items', 'p50', 'p99', 'max'],
      sizes.filter(([, of]) => of !== undefined),
      top,
      ([name, of]) => [name, number(of!.count), number(of!.total), number(of!.p50), number(of!.p99), number(of!.max)],
    )
  },
]

/** Every table for which the trace has events. */
export function printSurvey(survey: Survey, top: number): void {
  for (const section of sections) section(survey, top)
}
