import type { Fidelity } from '#app'
import { number, percent } from '../terminal.ts'
import type { Output } from './output.ts'

type SlabFidelity = NonNullable<Fidelity['slab']>
type Cache = SlabFidelity['caches'][number]

/** Caches that the terminal shows. */
const SHOWN = 10

const names = {
  allocSlowPaths: 'slow allocs',
  freeSlowPaths: 'full sheaves',
  slabFrees: '__slab_free',
  slabsAllocated: 'new slabs',
  slabsFreed: 'slabs freed',
} as const
const measures = Object.keys(names) as (keyof typeof names)[]

const pair = (counted: Cache['paths'][(typeof measures)[number]]): string =>
  counted === undefined ? '–' : `${number(counted.recorded)} / ${number(counted.predicted)}`

/** Recorded slow paths against predicted, cache by cache; then events against the counters. */
export function printSlab(slab: SlabFidelity, out: Output): void {
  out.heading(`slab allocator, policy ${slab.policy}`)
  const probed = measures.filter((what) => slab.totals[what] !== undefined)
  const busiest = slab.caches.slice(0, SHOWN)
  if (probed.length === 0) out.line('No slow path was probed, so nothing checks the replay.')
  else {
    out.line('recorded / predicted:')
    out.table(
      ['cache', 'allocs', ...probed.map((what) => names[what]), 'within 5 %'],
      [
        ...busiest.map((cache) => [
          cache.cache,
          number(cache.allocs),
          ...probed.map((what) => pair(cache.paths[what])),
          cache.within === true ? 'yes' : [...new Set(cache.misses.map(({ cause }) => cause))].join(', '),
        ]),
        [
          `all ${slab.caches.length}`,
          number(slab.caches.reduce((sum, { allocs }) => sum + allocs, 0)),
          ...probed.map((what) => pair(slab.totals[what])),
          '',
        ],
      ],
    )
    printCauses(busiest, out)
    out.line(
      `scores: slow paths ${percent(slab.scores.slabSlowPaths)}, slabs allocated and freed ${percent(slab.scores.slabPages)}`,
    )
  }
  printCounters(busiest, out)
  printStats(busiest, out)
}

/** What was counted in sheaves and barns, or in lists of partial slabs. */
function printStats(caches: readonly Cache[], out: Output): void {
  const checked = caches.filter(({ stats }) => stats !== undefined)
  if (checked.length === 0) return
  out.heading('SLUB_STATS against the replay: busiest caches that nothing else used between the two readings')
  const files = checked[0]!.stats!.map(({ what }) => what)
  out.line('recorded / predicted:')
  out.table(
    ['cache', ...files],
    checked.map(({ cache, stats }) => [cache, ...files.map((file) => pair(stats!.find(({ what }) => what === file)))]),
  )
}

function printCauses(caches: readonly Cache[], out: Output): void {
  const causes = new Map(caches.flatMap(({ misses }) => misses.map(({ cause, help }) => [cause, help] as const)))
  for (const [cause, help] of causes) out.line(`${cause}: ${help}`)
}

function printCounters(caches: readonly Cache[], out: Output): void {
  const counted = caches.flatMap(({ cache, counters, slabs }) =>
    counters === undefined ? [] : [{ cache, counters, slabs }],
  )
  if (counted.length === 0) return
  out.heading('events against SLUB_STATS, slabs against slabinfo')
  out.table(
    ['cache', 'allocs, events', 'counters', 'frees, events', 'counters', 'agree', 'slabs after', 'predicted'],
    counted.map(({ cache, counters, slabs }) => [
      cache,
      number(counters.allocs.traced),
      number(counters.allocs.counted),
      number(counters.frees.traced),
      number(counters.frees.counted),
      counters.agree ? 'yes' : 'no',
      slabs === undefined ? '–' : number(slabs.recorded),
      slabs === undefined ? '–' : number(slabs.predicted),
    ]),
  )
  for (const { cache, counters } of counted)
    if (counters.because !== undefined) out.line(`${cache}: ${counters.because}`)
}
