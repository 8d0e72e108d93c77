import type { Comparison, Run, Work } from '#metrics'
import { baselineRow, perCapture } from './common.ts'
import { duration, type Section, type Table, text, workColumn } from './section.ts'
import { workTitles } from './terms.ts'

export const priced: Section = {
  id: 'priced',
  question: 'How long is zone->lock held, at published prices?',
  short: 'Prices',
  applies: ({ runs }) => runs.some(({ priced }) => priced.length > 0),
  build: (comparison) => ({
    paragraphs: [
      'The replay counts work; a price list turns counts into time as one machine would have paid it. Prices differ more between machines than policies do on one: compare within a table.',
    ],
    tables: perCapture(comparison, (_capture, runs, of) => [
      ...listsOf(runs).map((list) => tableOf(comparison, runs, list, of)),
      ...unpriced(runs, of),
    ]),
    caveats: ['Work without a published price stays a count: it is not free, and no total here includes it.'],
  }),
}

const listsOf = (runs: readonly Run[]): string[] => [
  ...new Set(runs.flatMap(({ priced }) => priced.map(({ prices }) => prices))),
]

function tableOf({ baseline }: Comparison, runs: readonly Run[], list: string, of: string): Table {
  const rows = runs.flatMap((run) => {
    const one = run.priced.find(({ prices }) => prices === list)
    return one === undefined ? [] : [{ run, one }]
  })
  const { machine, source } = rows[0]!.one
  return {
    caption: `${machine}${of}. Price list ${list}, from ${source}`,
    columns: [
      text('policy'),
      duration('zone->lock held', 'fewer', 'For refills and bulk frees, over the whole trace.'),
      duration('longest single hold', 'fewer'),
      duration('requesters waited', 'fewer', 'Where the list has a price for it.'),
      text('without a price'),
    ],
    rows: rows.map(({ run, one }) => [
      run.policy,
      one.zoneLockHoldNs,
      one.longestHoldNs,
      one.requesterWaitNs,
      one.unpriced.length === 0 ? 'nothing' : one.unpriced.map(titleOf).join(', '),
    ]),
    ...baselineRow(
      rows.map(({ run }) => run),
      baseline,
    ),
  }
}

const titleOf = (field: string): string => workTitles[field as keyof Work] ?? field

function unpriced(runs: readonly Run[], of: string): Table[] {
  const fields = [...new Set(runs.flatMap(({ priced }) => priced.flatMap(({ unpriced }) => unpriced)))].filter(
    (field): field is keyof Work => field in workTitles,
  )
  if (fields.length === 0) return []
  return [
    {
      caption: `Unpriced work, as counts${of}`,
      columns: [text('policy'), ...fields.map((field) => workColumn(field, workTitles[field]))],
      rows: runs.map(({ policy, priced, work }) => [
        policy,
        ...fields.map((field) =>
          priced.some(({ unpriced }) => unpriced.includes(field)) || work[field] > 0 ? work[field] : undefined,
        ),
      ]),
    },
  ]
}
