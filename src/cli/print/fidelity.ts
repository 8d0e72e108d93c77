import type { Fidelity } from '#app'
import { zoneLabel } from '#kernel'
import { counted } from '#kernel/messages'
import { formatInterval, formatShare, inferencesOf, lostWords, scoreOf } from '#report'
import { number, percent } from '../terminal.ts'
import type { Output } from './output.ts'
import { printSlab } from './slab.ts'

type PcpFidelity = NonNullable<Fidelity['pcp']>
type KvfreeFidelity = NonNullable<Fidelity['kvfree']>
type KvfreeAgreement = KvfreeFidelity['withoutStart']
type Score = PcpFidelity['refills']

export function printFidelity(
  { notModelled = [], capture, kernel, synthetic, pcp, kvfree, slab, notes, losses }: Fidelity,
  out: Output,
): void {
  for (const sentence of notModelled) out.line(sentence)
  out.title(
    synthetic === true
      ? `${capture}, synthetic trace as of Linux ${kernel}: how exactly kreplay reproduces what its own model made`
      : `${capture}, Linux ${kernel}: how exactly kreplay reproduces what this kernel recorded`,
  )
  if (pcp !== undefined && recordsLists(pcp)) {
    printScores(pcp, out)
    const { recorded, exact, unknownStart, wrong } = pcp.drainedPages
    out.line(
      `\ndrained pages: ${number(recorded)} scored of ${number(pcp.coverage.drainedPages.inTrace)} in the trace, ${number(exact)} exact, ${number(unknownStart)} from before the trace, ${number(wrong)} wrong`,
    )
    const cpus = [...new Set([...Object.keys(pcp.interruptions.recorded), ...Object.keys(pcp.interruptions.predicted)])]
    if (cpus.length > 0) {
      out.heading('interruptions by drain work')
      out.table(
        ['CPU', 'recorded', 'predicted'],
        cpus.map((cpu) => [
          cpu,
          number(pcp.interruptions.recorded[cpu] ?? 0),
          number(pcp.interruptions.predicted[cpu] ?? 0),
        ]),
      )
    }
    printPages(pcp, out)
    const inferred = inferencesOf(pcp)
    if (inferred.length > 0) out.line('')
    for (const line of inferred) out.line(line)
    for (const { cause, count, help } of pcp.misses) out.line(`${number(count)} × ${cause}: ${help}`)
  }
  if (kvfree !== undefined) printKvfree(kvfree, out)
  if (slab !== undefined) printSlab(slab, out)
  if (pcp !== undefined && !recordsLists(pcp))
    out.line('Page lists: the trace records no refill and no bulk free, so nothing checks them.')
  const lost = lostWords(losses)
  if (lost !== undefined) out.line(`Lost in recording: ${lost}.`)
  for (const note of notes) out.line(note)
}

/** Whether the trace has anything that page lists can be scored by. */
const recordsLists = ({ coverage, requestedDrains, tickDrains }: PcpFidelity): boolean =>
  (coverage.refills?.inTrace ?? 1) + (coverage.drainBursts?.inTrace ?? 1) + coverage.drainedPages.inTrace > 0 ||
  requestedDrains.recorded + (tickDrains?.recorded ?? 0) > 0

/** A score of what was recorded; none where only the replay has something. */
const scored = (score: Score): string => percent(score.recorded === 0 ? undefined : scoreOf(score))

/** The free-running score first: what-ifs run like that. The corrected one is the last column. */
function printScores(pcp: PcpFidelity, out: Output): void {
  const { withoutResync: free, coverage } = pcp
  const row = (name: string, corrected: Score, inTrace: number | undefined, running?: Score) => [
    name,
    inTrace === undefined ? '–' : number(inTrace),
    number((running ?? corrected).recorded),
    running === undefined ? '–' : number(running.predicted),
    running === undefined ? '–' : number(running.exact),
    running === undefined ? '–' : scored(running),
    scored(corrected),
  ]
  const all = [free.refills, free.drainBursts, pcp.refills, pcp.drainBursts]
  if (all.every((score) => scoreOf(score) === undefined))
    out.line('Nothing was scored: the trace records no refill and no bulk free whose outcome was known.\n')
  out.table(
    ['', 'in the trace', 'scored', 'predicted', 'exact', 'free-running', 'corrected'],
    [
      row('refills', pcp.refills, coverage.refills?.inTrace, free.refills),
      row('bulk frees of full lists', pcp.drainBursts, coverage.drainBursts?.inTrace, free.drainBursts),
      ...(pcp.requestedDrains.recorded + pcp.requestedDrains.predicted === 0
        ? []
        : [row('requested drains', pcp.requestedDrains, undefined, free.requestedDrains)]),
      ...(pcp.tickDrains === undefined || pcp.tickDrains.recorded + pcp.tickDrains.predicted === 0
        ? []
        : [row('drains by vmstat ticks', pcp.tickDrains, undefined, free.tickDrains)]),
    ],
  )
  if (pcp.poorBecause !== undefined) out.line(pcp.poorBecause)
  out.line(
    `policy ${pcp.policy}; not scored: ${formatShare(pcp.warmupShare)} of list operations (initial list contents unknown); ${counted(pcp.resyncs, 'correction')}`,
  )
  if (pcp.ranFree !== undefined)
    out.line(
      `ran free: ${number(pcp.ranFree.refills)} of ${counted(free.refills.recorded, 'refill')} and ${number(pcp.ranFree.drainBursts)} of ${counted(free.drainBursts.recorded, 'bulk free')}, after their lists were known; the rest followed the record`,
    )
  const same = scoreOf(pcp.refills) === scoreOf(free.refills) && scoreOf(pcp.drainBursts) === scoreOf(free.drainBursts)
  if (!same)
    out.line(
      'Free-running: nothing is corrected after a miss, as in what-ifs. Corrected: the lists are set from the record after each scored miss.',
    )
  printTotals(pcp, out)
}

const totalNames = {
  refills: 'refills',
  refilledPages: 'pages refilled',
  bulkFrees: 'bulk frees of any kind',
  bulkFreedPages: 'pages freed in bulk',
  zoneLocks: 'operations under zone->lock',
  interruptions: 'interruptions',
  requestedDrains: 'requested drains',
} as const

/** What the recorded bulk frees were for; none where the parts do not add up. */
function kindsOf(totals: NonNullable<PcpFidelity['totals']>, { drainBursts }: PcpFidelity['coverage']): string[] {
  const full = drainBursts?.inTrace ?? 0
  const requested = totals.requestedDrains.recorded
  const others = totals.bulkFrees.recorded - full - requested
  if (others < 0) return []
  const kinds: [number, string][] = [
    [full, 'of full lists'],
    [requested, 'by requests'],
    [others, 'by vmstat ticks or compaction'],
  ]
  return kinds.filter(([count]) => count > 0).map(([count, what]) => `${number(count)} ${what}`)
}

/** Over the whole trace, scored or not; what neither side has is left out. */
function printTotals({ totals, coverage, warmupShare }: PcpFidelity, out: Output): void {
  if (totals === undefined) return
  const rows = (Object.keys(totalNames) as (keyof typeof totalNames)[]).flatMap((id) => {
    const { recorded, predicted, loss } = totals[id]
    if (recorded + predicted === 0) return []
    const off =
      recorded === 0 ? '–' : `${predicted < recorded ? '−' : ''}${percent(Math.abs(predicted / recorded - 1))}`
    const open = loss === undefined ? [] : [formatInterval(loss.recorded), formatInterval(loss.predicted)]
    return [[totalNames[id], number(recorded), number(predicted), off, ...open]]
  })
  if (rows.length === 0) return
  out.heading('totals of the whole trace, scored or not')
  const isLossy = totals.refills.loss !== undefined
  out.table(['', 'recorded', 'predicted', 'off by', ...(isLossy ? ['whole: recorded', 'whole: predicted'] : [])], rows)
  if (isLossy) out.line('whole: where the value lies if nothing had been lost, in about 9 of 10 cases.')
  const kinds = kindsOf(totals, coverage)
  if (kinds.length > 1) out.line(`Bulk frees of any kind: ${kinds.join(', ')}.`)
  if (warmupShare > 0)
    out.line(
      'Predicted by the rules alone once a list’s contents are known; until then its recorded operations count as predicted.',
    )
}

function printPages({ listCounts, freePages }: PcpFidelity, out: Output): void {
  if (listCounts.length > 0) {
    out.heading('pages on the lists at the end')
    out.table(
      ['CPU', 'zone', 'zoneinfo.after', 'predicted', 'within 100 pages or 5 %'],
      listCounts.map(({ cpu, node, zone, recorded, predicted, within, refilledAfter }) => [
        String(cpu),
        zoneLabel(node, zone),
        number(recorded),
        number(predicted),
        within || refilledAfter === undefined ? yesNo(within) : `no: ${number(refilledAfter)} fetched since the trace`,
      ]),
    )
  }
  for (const { node, zone, recorded, byZoneinfo, predicted, pages, ordersWithin, compacted, later } of freePages) {
    out.line(
      `\nfree pages of ${zoneLabel(node, zone)} at the end: buddyinfo.after ${number(pages.recorded)}${byZoneinfo === undefined ? '' : ` (zoneinfo.after, read before it: ${number(byZoneinfo)})`}, predicted ${number(pages.predicted)}${compacted > 0 ? ` (${number(compacted)} that compaction took untraced are inferred from its frees and vmstat)` : ''}; within 1 %: ${yesNo(pages.within)}`,
    )
    if (later !== undefined) {
      const since = [
        ...(later.refilled > 0 ? [`${number(later.refilled)} fetched by refills, as zoneinfo.after tells`] : []),
        ...(later.givenBack > 0
          ? [`${number(later.givenBack)} given back by a vmstat tick before buddyinfo.after was read, as that tells`]
          : []),
      ]
      out.line(
        `With the pages that moved since the trace (${since.join('; ')}): ${number(later.pages.predicted)}; within 1 %: ${yesNo(later.pages.within)}`,
      )
    }
    out.table(
      [
        'order',
        'buddyinfo.after',
        'predicted',
        'within 16 blocks or 5 %',
        ...(later === undefined ? [] : ['with what moved since', 'within']),
      ],
      recorded.map((blocks, order) => [
        String(order),
        number(blocks),
        number(predicted[order] ?? 0),
        yesNo(ordersWithin[order] ?? false),
        ...(later === undefined
          ? []
          : [number(later.predicted[order] ?? 0), yesNo(later.ordersWithin[order] ?? false)]),
      ]),
    )
  }
}

const yesNo = (holds: boolean): string => (holds ? 'yes' : 'no')

const ms = (ns: number | undefined): string => (ns === undefined ? '–' : (ns / 1e6).toFixed(2))

function printKvfree(kvfree: KvfreeFidelity, out: Output): void {
  out.line(
    `policy ${kvfree.policy}; ${counted(kvfree.enqueued, 'call')}${kvfree.callsInferred ? ', their moments inferred' : ''}; ${number(kvfree.begun.recorded)} work items and callbacks begun as recorded, ${number(kvfree.begun.generated)} after a generated delay\n`,
  )
  const row = (name: string, of: (one: KvfreeAgreement, side: 'recorded' | 'predicted') => string) => [
    name,
    of(kvfree, 'recorded'),
    of(kvfree, 'predicted'),
    of(kvfree.withoutStart, 'predicted'),
    of(kvfree.generatedDelays, 'predicted'),
    ...(kvfree.leftOut === undefined ? [] : [of(kvfree.leftOut, 'predicted')]),
  ]
  out.table(
    [
      '',
      'recorded',
      'predicted',
      'start unknown',
      'generated delays',
      ...(kvfree.leftOut === undefined ? [] : ['learnt from others']),
    ],
    [
      row('bulk frees', (one, side) => number(one.bulkFrees[side])),
      row('objects in them', (one, side) => number(one.bulkObjects[side])),
      row('freed from a list', (one, side) => number(one.listFrees[side])),
      row('objects in flight, mean', (one, side) => number(Math.round(one.footprint[side].mean))),
      row('objects in flight, peak', (one, side) => number(one.footprint[side].peak)),
      row('reclaim latency p50 (ms)', (one, side) => ms(one.reclaimLatencyNs?.[side].p50)),
      row('reclaim latency p99 (ms)', (one, side) => ms(one.reclaimLatencyNs?.[side].p99)),
    ],
  )
  if (kvfree.pagesAtStart.some((pages) => pages > 0))
    out.line(
      `spare pages at the start, learnt from each CPU’s first batch: ${kvfree.pagesAtStart.map((pages, cpu) => `CPU ${cpu} ${pages}`).join(', ')}`,
    )
  out.line('latency is matched first in, first out over the machine: bulk frees carry no pointers')
}
