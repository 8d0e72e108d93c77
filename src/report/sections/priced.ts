import type { PcpComparison, Run, Work } from '#metrics'
import { formatDuration, formatShare } from '../format.ts'
import { baselineRow, perCapture } from './common.ts'
import { type Cell, duration, type Section, type Table, text, workColumn } from './section.ts'
import { workTitles } from './terms.ts'

type Priced = Run['priced'][number]

export const priced: Section = {
  id: 'priced',
  question: 'How long is zone->lock held, at published prices?',
  short: 'Prices',
  applies: ({ runs }) => runs.some(({ priced }) => priced.length > 0),
  build: (comparison) => ({
    paragraphs: [
      'The replay counts work; a price list turns counts into time as one machine would have paid it. Machines differ more than policies do: compare down a column, not along a row.',
    ],
    tables: [
      ...perCapture(comparison, ({ window }, runs, of) => [
        priceTable(
          comparison,
          runs,
          `Time that zone->lock is held, over ${window === undefined ? 'the whole trace' : 'the window'}${of}`,
          holdCell,
        ),
        ...(runs.some(({ priced }) => priced.some(({ smallHolds }) => smallHolds !== undefined))
          ? [
              priceTable(
                comparison,
                runs,
                `The same, if holds smaller than any measured cost in proportion: at least${of}`,
                leastCell,
              ),
            ]
          : []),
        priceTable(
          comparison,
          runs,
          `Longest single hold of zone->lock${of}`,
          (_run, { longestHoldNs }) => longestHoldNs,
        ),
        ...(runs.some(({ priced }) => priced.some(({ requesterWaitNs }) => requesterWaitNs !== undefined))
          ? [
              priceTable(
                comparison,
                runs,
                `Time that requesters of drains waited${of}`,
                (_run, { requesterWaitNs }) => requesterWaitNs,
              ),
            ]
          : []),
        ...unpricedTable(runs, of),
      ]),
      sources(comparison.runs),
    ],
    caveats: [
      'Work without a published price stays a count: it is not free, and no time here includes it.',
      ...smallHolds(comparison),
      ...(comparison.runs.some((run) => hidesWork(run, baselineOf(comparison, run)))
        ? [
            'Where a policy does more of its zone->lock work unpriced than the baseline does, its time is a lower bound and is not compared.',
          ]
        : []),
    ],
  }),
}

const listsOf = (runs: readonly Run[]): Priced[] => [
  ...new Map(runs.flatMap(({ priced }) => priced.map((one): [string, Priced] => [one.prices, one]))).values(),
]

const baselineOf = ({ runs, baseline }: PcpComparison, { capture }: Run): Run | undefined =>
  runs.find((run) => run.policy === baseline && run.capture === capture)

/** Locks taken one page at a time, for which lists of prices of refills and bursts have no price. */
const unpricedLocks = ({ priced, work }: Run): number =>
  (['allocsFromBuddy', 'freesToBuddy'] as const)
    .filter((field) => priced.some(({ unpriced }) => unpriced.includes(field)))
    .reduce((total, field) => total + work[field], 0)

const hidesWork = (run: Run, base: Run | undefined): boolean =>
  base !== undefined && unpricedLocks(run) - unpricedLocks(base) > 0.01 * run.work.zoneLocks

function holdCell(run: Run, { zoneLockHoldNs }: Priced, base: Run | undefined): Cell {
  if (zoneLockHoldNs === undefined || !hidesWork(run, base)) return zoneLockHoldNs
  const words = zoneLockHoldNs === 0 ? 'all unpriced' : `over ${formatDuration(zoneLockHoldNs)}`
  return { value: undefined, words, tone: 'none' }
}

const leastCell = (run: Run, priced: Priced, base: Run | undefined): Cell =>
  holdCell(
    run,
    { ...priced, zoneLockHoldNs: priced.smallHolds === undefined ? priced.zoneLockHoldNs : priced.smallHolds.leastNs },
    base,
  )

/** Whether prices reach down to what the runs did. */
export function smallHolds({ runs }: PcpComparison): string[] {
  const found = runs.flatMap(({ priced }) => priced.flatMap(({ smallHolds }) => smallHolds ?? []))
  if (found.length === 0) return []
  const shares = found.map(({ holds, of }) => holds / of)
  const [least, most] = [Math.min(...shares), Math.max(...shares)].map(formatShare)
  const below = Math.max(...found.map(({ belowPages }) => belowPages))
  return [
    `Published data start at ${below} pages; ${least === most ? most : `${least} to ${most}`} of the operations here are smaller, so their cost is extrapolated. The second table is a proportional lower bound.`,
  ]
}

function priceTable(
  comparison: PcpComparison,
  runs: readonly Run[],
  caption: string,
  of: (run: Run, priced: Priced, base: Run | undefined) => Cell,
): Table {
  const lists = listsOf(runs)
  return {
    caption,
    columns: [text('policy'), ...lists.map(({ machine, prices }) => duration(`${machine} (${prices})`, 'fewer'))],
    rows: runs.map((run) => [
      run.policy,
      ...lists.map(({ prices }) => {
        const one = run.priced.find((priced) => priced.prices === prices)
        return one === undefined ? undefined : of(run, one, baselineOf(comparison, run))
      }),
    ]),
    ...baselineRow(runs, comparison.baseline),
  }
}

const sources = (runs: readonly Run[]): Table => ({
  caption: 'Price lists',
  columns: [text('list'), text('machine'), text('source')],
  rows: listsOf(runs).map(({ prices, machine, source }) => [prices, machine, source]),
})

function unpricedTable(runs: readonly Run[], of: string): Table[] {
  const named = new Set(runs.flatMap(({ priced }) => priced.flatMap(({ unpriced }) => unpriced)))
  const fields = [...named].filter((field): field is keyof Work => Object.hasOwn(workTitles, field))
  if (fields.length === 0) return []
  return [
    {
      caption: `Unpriced work, as counts${of}`,
      columns: [text('policy'), ...fields.map((field) => workColumn(field, workTitles[field]))],
      rows: runs.map(({ policy, work }) => [policy, ...fields.map((field) => work[field])]),
    },
  ]
}
