import { share } from '#kernel'
import { counted } from '#kernel/messages'
import { type ComparisonHead, inferencesOf, type PcpFidelity } from '#metrics'
import { formatCount, formatShare } from '../format.ts'
import { toneOfScore } from './headline.ts'
import { type Cell, type Column, count, percent, type Section, type Table, text, type Verdict } from './section.ts'

type Score = PcpFidelity['refills']
type Drained = PcpFidelity['drainedPages']

const scoreOf = ({ recorded, predicted, exact }: Score): number | undefined =>
  share(exact, Math.max(recorded, predicted))

export const fidelity: Section<ComparisonHead> = {
  id: 'fidelity',
  question: 'How exactly does the replay reproduce the record?',
  short: 'Fidelity',
  applies: ({ fidelity }) => fidelity.length > 0,
  build: ({ captures, fidelity }) => {
    const several = captures.length > 1
    const isolated = new Map(captures.map(({ name, isolated }) => [name, isolated]))
    return {
      paragraphs: [
        'The recording kernel’s own policy is replayed and compared with the refills and bulk frees that the kernel recorded. Trust the numbers no further than these scores.',
        ...(fidelity.some(({ synthetic }) => synthetic)
          ? ['The trace is synthetic: kreplay’s own model made it, so the scores say nothing about a kernel.']
          : []),
        'Exact: same moment (between the same two events of the CPU) and same size. Score: exact ÷ max(recorded, predicted). Free-running: nothing is corrected after a miss, as in what-ifs. Corrected: the lists are set from the record after each scored miss.',
      ],
      tables: fidelity.flatMap(({ capture, pcp }) => {
        const of = several ? ` (${capture})` : ''
        return pcp === undefined ? [] : tablesOf(pcp, of, isolated.get(capture) ?? [])
      }),
      caveats: fidelity.flatMap(({ capture, kernel, pcp, notes }) =>
        [
          ...(pcp === undefined ? [`Kernel ${kernel}: its own page policy was not replayed.`] : cautions(pcp)),
          ...notes,
        ].map((one) => (several ? `${capture}: ${one}` : one)),
      ),
    }
  },
}

const ranFree = ({ ranFree, withoutResync: { refills, drainBursts } }: PcpFidelity): string[] =>
  ranFree === undefined
    ? []
    : [
        `Ran free: ${formatCount(ranFree.refills)} of ${counted(refills.recorded, 'refill')} and ${formatCount(ranFree.drainBursts)} of ${counted(drainBursts.recorded, 'bulk free')}, after their lists were known; the rest followed the record.`,
      ]

const cautions = (pcp: PcpFidelity): string[] => [
  ...(pcp.poorBecause === undefined ? [] : [pcp.poorBecause]),
  ...(pcp.warmupShare > 0
    ? [`Not scored: ${formatShare(pcp.warmupShare)} of list operations (initial list contents unknown).`]
    : []),
  ...ranFree(pcp),
  ...inferencesOf(pcp),
]

function tablesOf(pcp: PcpFidelity, of: string, isolated: readonly number[]): Table[] {
  const { withoutResync: bare } = pcp
  const { inTrace } = pcp.coverage.drainedPages
  const scores: Table = {
    caption: `${pcp.policy} against the record${of}`,
    columns: [
      text('what'),
      count('in the trace'),
      count('scored'),
      count('predicted'),
      count('exact'),
      percent('free-running'),
      text('verdict'),
      percent('corrected', undefined, counted(pcp.resyncs, 'correction')),
    ],
    rows: [
      scoreRow('refills', bare.refills, pcp.coverage.refills?.inTrace, pcp.refills),
      scoreRow('bulk frees of full lists', bare.drainBursts, pcp.coverage.drainBursts?.inTrace, pcp.drainBursts),
      ...[
        ['requested drains', pcp.requestedDrains, bare.requestedDrains] as const,
        ...(pcp.tickDrains === undefined ? [] : [['drains by vmstat ticks', pcp.tickDrains, bare.tickDrains] as const]),
      ]
        .filter(([, { recorded, predicted }]) => recorded + predicted > 0)
        .map(([what, score, running]) => otherRow(what, score, running)),
    ],
  }
  const drained: Table = {
    caption: `Drained pages: the predicted page at the predicted place${of}`,
    columns: [
      text('replay'),
      count('in the trace'),
      count('scored'),
      count('exact'),
      count('unknown start'),
      count('wrong'),
      percent('wrong of these'),
      text('verdict'),
    ],
    rows: [drainedRow('free-running', inTrace, bare.drainedPages), drainedRow('corrected', inTrace, pcp.drainedPages)],
  }
  return [
    scores,
    ...totalsTable(pcp, of),
    drained,
    ...perCpuTable(pcp, of, isolated),
    ...interruptions(pcp, of, isolated),
    ...misses(pcp, of),
  ]
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

/** Over the whole trace, scored or not; what neither side has is left out. */
function totalsTable({ totals }: PcpFidelity, of: string): Table[] {
  if (totals === undefined) return []
  const rows = (Object.keys(totalNames) as (keyof typeof totalNames)[])
    .map((id): Cell[] => {
      const { recorded, predicted } = totals[id]
      return [totalNames[id], recorded, predicted, recorded === 0 ? undefined : predicted / recorded - 1]
    })
    .filter(([, recorded, predicted]) => recorded !== 0 || predicted !== 0)
  return rows.length === 0
    ? []
    : [
        {
          caption: `Totals of the whole trace; until a list’s contents are known, its recorded operations count as predicted${of}`,
          columns: [text('what'), count('recorded'), count('predicted'), percent('off by')],
          rows,
        },
      ]
}

const wordsOfScore = (score: number | undefined): string =>
  score === undefined
    ? 'nothing happened'
    : score === 1
      ? 'exact'
      : score >= 0.98
        ? 'near exact'
        : score >= 0.9
          ? 'fair'
          : 'poor'

const verdictOfScore = (score: number | undefined): Verdict => ({
  value: score,
  words: wordsOfScore(score),
  tone: toneOfScore(score),
})

function scoreRow(what: string, free: Score, inTrace: number | undefined, corrected: Score): Cell[] {
  const value = scoreOf(free)
  return [what, inTrace, free.recorded, free.predicted, free.exact, value, verdictOfScore(value), scoreOf(corrected)]
}

/** What has no free-running score. */
/** No score where only the replay has something. */
const otherRow = (what: string, corrected: Score, running: Score | undefined): Cell[] => [
  what,
  undefined,
  (running ?? corrected).recorded,
  (running ?? corrected).predicted,
  (running ?? corrected).exact,
  running === undefined || running.recorded === 0 ? undefined : scoreOf(running),
  undefined,
  corrected.recorded === 0 ? undefined : scoreOf(corrected),
]

function drainedRow(what: string, inTrace: number, { recorded, exact, unknownStart, wrong }: Drained): Cell[] {
  const value = share(wrong, recorded)
  return [what, inTrace, recorded, exact, unknownStart, wrong, value, verdictOfWrong(value)]
}

function verdictOfWrong(value: number | undefined): Verdict {
  if (value === undefined) return { value, words: 'nothing happened', tone: 'none' }
  if (value === 0) return { value, words: 'none wrong', tone: 'good' }
  if (value <= 0.002) return { value, words: 'near exact', tone: 'good' }
  return value <= 0.02 ? { value, words: 'fair', tone: 'fair' } : { value, words: 'poor', tone: 'poor' }
}

const cpuColumn: Column = text('CPU')
const cpuName = (cpu: number | string, isolated: readonly number[]): string =>
  isolated.includes(Number(cpu)) ? `${cpu} (isolated)` : String(cpu)

function perCpuTable({ perCpu }: PcpFidelity, of: string, isolated: readonly number[]): Table[] {
  if (perCpu.length === 0) return []
  return [
    {
      caption: `Scores of each CPU${of}`,
      columns: [
        cpuColumn,
        percent('warm-up'),
        count('refills recorded'),
        percent('refills'),
        text('verdict'),
        count('bulk frees recorded'),
        percent('bulk frees'),
        text('verdict'),
        count('wrong pages'),
      ],
      rows: perCpu.map(({ cpu, warmupShare, scored, refills, drainBursts, drainedPages }) => {
        const verdict = (score: Score): Verdict =>
          scored ? verdictOfScore(scoreOf(score)) : { value: undefined, words: 'not scored', tone: 'none' }
        return [
          cpuName(cpu, isolated),
          warmupShare,
          refills.recorded,
          scored ? scoreOf(refills) : undefined,
          verdict(refills),
          drainBursts.recorded,
          scored ? scoreOf(drainBursts) : undefined,
          verdict(drainBursts),
          drainedPages.wrong,
        ]
      }),
    },
  ]
}

function interruptions(
  { interruptions: { recorded, predicted } }: PcpFidelity,
  of: string,
  isolated: readonly number[],
): Table[] {
  const cpus = [...new Set([...Object.keys(recorded), ...Object.keys(predicted)])].sort((a, b) => Number(a) - Number(b))
  if (cpus.length === 0) return []
  return [
    {
      caption: `Interruptions by drains, as recorded and as predicted${of}`,
      columns: [cpuColumn, count('recorded'), count('predicted'), text('verdict')],
      rows: cpus.map((cpu) => {
        const was = recorded[cpu] ?? 0
        const now = predicted[cpu] ?? 0
        const same: Verdict =
          was === 0 && now === 0
            ? { value: undefined, words: 'nothing happened', tone: 'none' }
            : { value: now, words: was === now ? 'equal' : 'differs', tone: was === now ? 'good' : 'poor' }
        return [cpuName(cpu, isolated), was, now, same]
      }),
    },
  ]
}

function misses({ misses }: PcpFidelity, of: string): Table[] {
  if (misses.length === 0) return []
  return [
    {
      caption: `Why the replay missed${of}`,
      columns: [text('cause'), count('misses'), text('meaning')],
      rows: misses.map(({ cause, count, help }) => [cause, count, help]),
    },
  ]
}
