import { zoneLabel } from '#kernel'
import { counted } from '#kernel/messages'
import { lostWords } from '#metrics'
import type { Info, Spread } from '#metrics/survey'
import { overTimeCharts } from './info-charts.ts'
import { slabOf } from './info-slab.ts'
import { memoryPart } from './memory-map.ts'
import type { Page, Part } from './page.ts'
import { flowPart } from './sections/cpu-flows.ts'
import { type Built, count, duration, type Table, text } from './sections/section.ts'
import { workPart } from './sections/works.ts'

const number = (value: number): string => value.toLocaleString('en-US')

/** What a trace says by itself, as the page that `info` prints and writes: sections only where there are events for them. */
export function composeInfo(info: Info, version: string, top: number): Page {
  const part = (id: string, short: string, question: string, built: Built | undefined): Part[] => {
    const tables = (built?.tables ?? []).filter(({ rows }) => rows.length > 0).map((table) => topOf(table, top))
    const paragraphs = built?.paragraphs ?? []
    if (tables.length + paragraphs.length === 0) return []
    return [
      { section: { id, short, question }, paragraphs, figures: [], tables, charts: built?.charts ?? [], caveats: [] },
    ]
  }
  return {
    notModelled: info.notModelled,
    title: `What is in ${info.capture}`,
    origin: `${info.capture}: Linux ${info.kernel}`,
    version,
    matrices: [],
    timelines: [],
    parts: [
      ...part('recorded', 'Recorded', 'What was recorded?', { ...recordedOf(info), charts: overTimeCharts(info) }),
      ...part('pages', 'Pages', 'Which pages were allocated and freed?', pagesOf(info)),
      ...part('memory', 'Memory', 'Where is memory in use, and when?', memoryPart(info)),
      ...part('processes', 'Processes', 'Who allocated and freed pages?', processesOf(info)),
      ...part('cpu-flows', 'CPUs', 'Which CPU frees what which CPU allocated?', flowPart(info.pages?.cpuFlows)),
      ...part('lists', 'Per-CPU lists', 'How were the per-CPU lists filled and emptied?', listsOf(info)),
      ...part('fragmentation', 'Fragmentation', 'Which migratetype took memory from which?', fragmentationOf(info)),
      ...part('slab', 'Slab', 'Which objects were allocated, by whom, and what is wasted?', slabOf(info)),
      ...part('rcu', 'RCU', 'How long do grace periods and callbacks take?', rcuOf(info)),
      ...part('works', 'Deferred work', 'Which deferred work hits isolated CPUs?', workPart(info.works, info.isolated)),
      ...part('quality', 'Quality', 'What can be concluded?', qualityOf(info)),
    ],
  }
}

function recordedOf({ kernel, format, clock, spanNs, isolated, events, eventsPerCpu, zones }: Info): Built {
  const total = Object.values(events).reduce((a, b) => a + b, 0)
  const clockText = clock === undefined ? '' : `, clock ${clock}`
  const apart = isolated.length === 0 ? '' : `; isolated: CPU ${isolated.join(', ')}`
  return {
    paragraphs: [
      `Linux ${kernel}; ${format}${clockText}.`,
      `${counted(total, 'event')} in ${(spanNs / 1e9).toFixed(3)} s on ${counted(Object.keys(eventsPerCpu).length, 'CPU')}${apart}.`,
    ],
    tables: [
      {
        caption: 'Events by name',
        columns: [text('event'), count('events')],
        rows: Object.entries(events).sort(([, a], [, b]) => b - a),
      },
      { caption: 'Events by CPU', columns: [text('CPU'), count('events')], rows: Object.entries(eventsPerCpu) },
      ...zones.map(({ name, node, managed, min, low, high, pagesets }) => ({
        caption: `Per-CPU lists of ${zoneLabel(node, name)}: ${counted(managed, 'page')} managed, watermarks ${min}/${low}/${high}`,
        columns: [text('CPU'), count('count'), count('high'), count('batch')],
        rows: pagesets.map((one) => [String(one.cpu), one.count, one.high, one.batch]),
      })),
    ],
  }
}

/** What nothing but these events tells, by the columns of the tables. */
const tellers = {
  mm_page_alloc: 'pages allocated',
  mm_page_free: 'pages freed',
  mm_page_free_batched: 'frees in batches',
  mm_page_alloc_zone_locked: 'under lock, refills',
  mm_page_pcpu_drain: 'drains, drained',
  mm_page_alloc_extfrag: 'fallbacks, severe',
} as const
type Teller = keyof typeof tellers

/** `value`, or nothing where the trace has no event that could tell it. */
const toldBy = <T>({ events }: Pick<Info, 'events'>, event: Teller, value: T): T | undefined =>
  (events[event] ?? 0) > 0 ? value : undefined

function missingEventNotes(info: Info): string[] {
  const names = (Object.keys(tellers) as Teller[]).filter((name) => toldBy(info, name, true) === undefined)
  return names.length === 0
    ? []
    : [
        `Not known, shown as “–”: ${names.map((name) => `${tellers[name]} (no ${name} in the trace)`).join('; ')}. Such an event was not recorded, or none happened.`,
      ]
}

/** What could not be had, then what follows of it. */
function qualityOf({ losses, tally, missing, quality }: Info): Built {
  const lost = lostWords(losses)
  return {
    paragraphs: [
      lost === undefined ? 'No losses are marked in the trace.' : `Lost: ${lost}.`,
      ...(missing.length > 0 ? [`The capture lacks ${missing.join(', ')}.`] : []),
      ...tally.map(
        ({ cause, count, help, first }) =>
          `${number(count)} × ${cause}: ${help}${first === undefined ? '' : ` First: ${first}.`}`,
      ),
      ...quality.verdict,
    ],
  }
}

/** Orders, CPUs, spans of time and kinds of events are few and each matters: tables of those stay whole. */
const topOf = (table: Table, top: number): Table =>
  table.rows.length <= top || /^(order|CPU|event|time)$/.test(table.columns[0]?.title ?? '')
    ? table
    : {
        ...table,
        caption: `${table.caption}, top ${top} of ${number(table.rows.length)}`,
        rows: table.rows.slice(0, top),
      }

function pagesOf(info: Info): Built | undefined {
  const { pages: found } = info
  if (found === undefined) return undefined
  const batched = toldBy(info, 'mm_page_free_batched', ` (${number(found.freesBatched)} of them in batches)`) ?? ''
  return {
    paragraphs: [
      `${counted(found.pagesAllocated, 'page')} allocated in ${counted(found.allocs, 'allocation')}, ${number(found.pagesFreed)} freed in ${counted(found.frees, 'free')}${batched}; ${counted(found.failures, 'allocation')} failed.`,
    ],
    tables: [
      {
        caption: 'Pages by order',
        columns: [
          text('order'),
          count('allocs'),
          count('pages'),
          count('frees'),
          count('pages freed'),
          count('failed'),
        ],
        rows: found.byOrder.map((row) => [
          String(row.order),
          row.allocs,
          row.pagesAllocated,
          row.frees,
          row.pagesFreed,
          row.failures,
        ]),
      },
      {
        caption: 'Allocations by migratetype',
        columns: [text('migratetype'), count('allocs'), count('pages'), count('failed')],
        rows: found.byMigratetype.map((row) => [row.name, row.allocs, row.pagesAllocated, row.failures]),
      },
      {
        caption: 'Allocations by flags',
        columns: [text('gfp flags'), count('allocs'), count('pages'), count('failed')],
        rows: found.byGfp.map((row) => [row.names, row.allocs, row.pagesAllocated, row.failures]),
      },
      ...(found.byCallSite === undefined ? [] : [callSitesOf(found.byCallSite)]),
    ],
  }
}

const callSitesOf = (rows: NonNullable<NonNullable<Info['pages']>['byCallSite']>) => ({
  caption: 'Pages by call site',
  columns: [
    text('call site'),
    count('allocs'),
    count('pages'),
    count('frees'),
    count('pages freed', undefined, 'Freed by it, whoever allocated them'),
    count('alive at end', undefined, 'Pages that it allocated and nobody freed by the end'),
    count('failed'),
  ],
  rows: rows.map((row) => [
    row.callSite ?? '(no stack)',
    row.allocs,
    row.pagesAllocated,
    row.frees,
    row.pagesFreed,
    row.pagesAliveAtEnd,
    row.failures,
  ]),
})

const processesOf = (info: Info): Built => ({
  paragraphs: info.processes === undefined ? [] : missingEventNotes(info),
  tables: [
    {
      caption: 'Pages by process',
      columns: [
        text('process'),
        count('pids'),
        count('allocated'),
        count('freed'),
        count('under lock', undefined, 'Pages taken from the buddy allocator under zone->lock'),
        count('refills'),
        count('drains'),
        count('drained'),
        count('fallbacks'),
        count('severe'),
        count('failed'),
      ],
      rows: (info.processes ?? []).map((row) => [
        row.comm ?? '(unknown)',
        row.pids,
        toldBy(info, 'mm_page_alloc', row.pagesAllocated),
        toldBy(info, 'mm_page_free', row.pagesFreed),
        toldBy(info, 'mm_page_alloc_zone_locked', row.lockedPages),
        toldBy(info, 'mm_page_alloc_zone_locked', row.refills),
        toldBy(info, 'mm_page_pcpu_drain', row.drains),
        toldBy(info, 'mm_page_pcpu_drain', row.drainedPages),
        toldBy(info, 'mm_page_alloc_extfrag', row.fallbacks),
        toldBy(info, 'mm_page_alloc_extfrag', row.severe),
        toldBy(info, 'mm_page_alloc', row.failures),
      ]),
    },
  ],
})

function listsOf(info: Info): Built | undefined {
  const { lists } = info
  if (lists === undefined) return undefined
  const run = (name: string, teller: Teller, of: Spread | undefined) => [
    name,
    toldBy(info, teller, of?.count ?? 0),
    toldBy(info, teller, of?.total ?? 0),
    of?.p50,
    of?.p99,
    of?.max,
  ]
  return {
    tables: [
      {
        caption: 'Per-CPU lists: runs of consecutive events on a CPU',
        columns: [text('run'), count('runs'), count('pages'), count('p50'), count('p99'), count('max')],
        rows: [
          run('refill', 'mm_page_alloc_zone_locked', lists.refills),
          run('drain', 'mm_page_pcpu_drain', lists.drains),
        ],
      },
      {
        caption: 'Runs of more pages than so many: one hold of zone->lock each, before 6.19',
        columns: [text('pages'), count('refills'), count('drains')],
        rows: lists.largeRuns.map((row) => [
          `over ${number(row.over)}`,
          toldBy(info, 'mm_page_alloc_zone_locked', row.refills),
          toldBy(info, 'mm_page_pcpu_drain', row.bulkFrees),
        ]),
      },
      {
        caption: 'Per-CPU lists by CPU',
        columns: [text('CPU'), count('refills'), count('pages'), count('drains'), count('drained')],
        rows: lists.perCpu.map((row) => [
          String(row.cpu),
          toldBy(info, 'mm_page_alloc_zone_locked', row.refills),
          toldBy(info, 'mm_page_alloc_zone_locked', row.refillPages),
          toldBy(info, 'mm_page_pcpu_drain', row.drains),
          toldBy(info, 'mm_page_pcpu_drain', row.drainedPages),
        ]),
      },
    ],
  }
}

function fragmentationOf({ fragmentation: found }: Info): Built | undefined {
  if (found === undefined) return undefined
  return {
    tables: [
      {
        caption: `Fallbacks: ${number(found.events)}, of which ${number(found.fragmenting)} take less than a pageblock (order ${found.pageblockOrder})`,
        columns: [
          text('for'),
          text('from'),
          count('events'),
          count('severe'),
          count('moderate'),
          count('whole block'),
          count('block changed type'),
        ],
        rows: found.byMigratetypes.map((row) => [
          row.for,
          row.from,
          row.events,
          row.severe,
          row.moderate,
          row.whole,
          row.changedOwnership,
        ]),
      },
    ],
  }
}

const kvfreeOf = ({ queued, inBulk, oneByOne }: NonNullable<NonNullable<Info['rcu']>['kvfree']>): string =>
  `${counted(queued, 'object')} queued by kvfree_rcu(); ${inBulk + oneByOne === 0 ? 'how they were freed was not recorded' : `freed: ${number(inBulk)} in bulk, ${number(oneByOne)} one by one`}.`

function rcuOf({ rcu }: Info): Built | undefined {
  if (rcu === undefined) return undefined
  const lengths = [duration('p50'), duration('p99'), duration('max')]
  const spread = (of: Spread | undefined) => [of?.p50, of?.p99, of?.max]
  const sizes = [
    ['callbacks in a batch', rcu.callbacks?.batches],
    ['kvfree_rcu() bulk frees', rcu.kvfreeBulk],
  ] as const
  const { kvfree } = rcu
  return {
    paragraphs: kvfree === undefined ? [] : [kvfreeOf(kvfree)],
    tables: [
      {
        caption: 'RCU grace periods: length, and gap to the next',
        columns: [
          text('flavour'),
          count('complete'),
          count('cut off'),
          ...lengths,
          duration('gap p50'),
          duration('gap max'),
        ],
        rows: rcu.gracePeriods.map((row) => [
          row.flavour,
          row.count,
          row.unfinished,
          ...spread(row.lengthNs),
          row.gapNs?.p50,
          row.gapNs?.max,
        ]),
      },
      ...rcu.gracePeriods
        .filter(({ flavour }) => !flavour.endsWith(' expedited'))
        .map(({ flavour, lastReport }) => ({
          caption: `Last report that ${flavour}’s grace periods waited for, and their length`,
          columns: [text('from'), count('grace periods'), ...lengths],
          rows: lastReport.map((row) => [row.by, row.count, ...spread(row.lengthNs)]),
        })),
      {
        caption: 'RCU callbacks: time from queueing to invocation',
        columns: [text('function'), count('queued'), count('invoked'), ...lengths],
        rows: (rcu.callbacks?.byFunction ?? []).map((row) => [
          row.function,
          row.queued,
          row.invoked,
          ...spread(row.latencyNs),
        ]),
      },
      {
        caption: 'RCU batches',
        columns: [text('of'), count('batches'), count('items'), count('p50'), count('p99'), count('max')],
        rows: sizes.flatMap(([name, of]) =>
          of === undefined ? [] : [[name, of.count, of.total, of.p50, of.p99, of.max]],
        ),
      },
    ],
  }
}
