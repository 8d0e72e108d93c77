import type { SlabComparison, SlabFidelity } from '#metrics/slab'
import { count, percent, type Section, type Table, text } from '../section.ts'

type Cache = SlabFidelity['caches'][number]
type Counted = NonNullable<SlabFidelity['totals']['slabFrees']>

/** Caches that a table has room for. */
const SHOWN = 15

const names = {
  allocSlowPaths: 'slow allocations',
  freeSlowPaths: 'full sheaves replaced',
  slabFrees: '__slab_free()',
  slabsAllocated: 'slabs allocated',
  slabsFreed: 'slabs freed',
} as const
const measures = Object.keys(names) as (keyof typeof names)[]

export const slabFidelity: Section<SlabComparison> = {
  id: 'fidelity',
  question: 'How exactly does the replay reproduce what the kernel recorded?',
  short: 'Fidelity',
  applies: ({ fidelity }) => fidelity.some(({ slab }) => slab !== undefined),
  build: ({ captures, fidelity }) => ({
    paragraphs: [
      'The recording kernel’s own policy, replayed without any correction, against its slow paths as probes recorded them: recorded → predicted. Events against SLUB_STATS: the counters go on while they are read, so only caches that the reading does not use can agree.',
    ],
    tables: fidelity.flatMap(({ capture, slab }) =>
      slab === undefined ? [] : tablesOf(slab, captures.length > 1 ? ` (${capture})` : ''),
    ),
  }),
}

const both = (counted: Counted | undefined): string | undefined =>
  counted === undefined
    ? undefined
    : `${counted.recorded.toLocaleString('en-US')} → ${counted.predicted.toLocaleString('en-US')}`

function tablesOf(slab: SlabFidelity, of: string): Table[] {
  const probed = measures.filter((what) => slab.totals[what] !== undefined)
  const busiest = slab.caches.slice(0, SHOWN)
  const missed = busiest.filter(({ misses }) => misses.length > 0)
  const counted = busiest.filter(({ counters }) => counters !== undefined)
  return [
    ...(probed.length === 0
      ? []
      : [
          {
            caption: `${slab.policy} against the record, the busiest caches${of}`,
            columns: [
              text('cache'),
              count('allocations'),
              ...probed.map((what) => text(names[what])),
              text('within 5 %'),
            ],
            rows: busiest.map((cache) => [
              cache.cache,
              cache.allocs,
              ...probed.map((what) => both(cache.paths[what])),
              cache.within === true ? 'yes' : `no: ${[...new Set(cache.misses.map(({ cause }) => cause))].join(', ')}`,
            ]),
          },
        ]),
    ...(missed.length === 0 ? [] : [causesOf(missed, of)]),
    ...(counted.length === 0 ? [] : [countersOf(counted, of)]),
    ...statsOf(busiest, of),
    {
      caption: `Scores${of}`,
      columns: [text('score'), percent('value', 'more')],
      rows: [
        ['slow paths', slab.scores.slabSlowPaths],
        ['slabs allocated and freed', slab.scores.slabPages],
      ],
    },
  ]
}

function causesOf(missed: readonly Cache[], of: string): Table {
  const causes = new Map<string, { help: string; caches: Set<string> }>()
  for (const { cache, misses } of missed)
    for (const { cause, help } of misses) {
      const known = causes.get(cause) ?? { help, caches: new Set() }
      known.caches.add(cache)
      causes.set(cause, known)
    }
  return {
    caption: `Why some are further off${of}`,
    columns: [text('cause'), text('caches'), text('what it is')],
    rows: [...causes].map(([cause, { help, caches }]) => [cause, [...caches].join(', '), help]),
  }
}

/** What was counted in sheaves and barns, or in lists of partial slabs. */
function statsOf(caches: readonly Cache[], of: string): Table[] {
  const checked = caches.filter(({ stats }) => stats !== undefined)
  const files = checked[0]?.stats?.map(({ what }) => what) ?? []
  if (files.length === 0) return []
  return [
    {
      caption: `SLUB_STATS against the replay: caches that nothing else used between the two readings${of}`,
      columns: [text('cache'), ...files.map((file) => text(file))],
      rows: checked.map(({ cache, stats }) => [
        cache,
        ...files.map((file) => both(stats?.find(({ what }) => what === file))),
      ]),
    },
  ]
}

function countersOf(counted: readonly Cache[], of: string): Table {
  return {
    caption: `Events against SLUB_STATS, slabs against slabinfo${of}`,
    columns: [
      text('cache'),
      count('allocations, events'),
      count('counters'),
      count('frees, events'),
      count('counters'),
      text('agree'),
      count('slabs after, slabinfo'),
      count('predicted'),
    ],
    rows: counted.map(({ cache, counters, slabs }) => [
      cache,
      counters?.allocs.traced,
      counters?.allocs.counted,
      counters?.frees.traced,
      counters?.frees.counted,
      counters?.agree === true ? 'yes' : `no: ${counters?.because ?? ''}`,
      slabs?.recorded,
      slabs?.predicted,
    ]),
  }
}
