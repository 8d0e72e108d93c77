import { type MeasureId, measureOf } from '#metrics'
import { formatInterval, formatShare, NOTHING } from '../format.ts'
import { runsOn } from './common.ts'
import { type Section, type Table, text } from './section.ts'

/** Measures whose intervals are shown. */
const shown: readonly MeasureId[] = ['interruptions', 'zoneLocks', 'zoneLockPages', 'refills', 'bulkFrees']

export const losses: Section = {
  id: 'losses',
  question: 'What do lost events leave open?',
  short: 'Losses',
  applies: ({ recorded }) => recorded.some(({ intervals }) => intervals !== undefined),
  build: (comparison) => ({
    paragraphs: [
      'Ranges say where a value lies if nothing had been lost, in about 9 of 10 cases. As many events as were lost are dropped once more, at other places, and everything is replayed: that shows what a loss does to each figure.',
    ],
    tables: comparison.recorded.flatMap((row): Table[] => {
      const { capture, intervals, lossShare } = row
      if (intervals === undefined) return []
      const cells = (of: Readonly<Record<string, { low: number; high: number }>>) =>
        shown.map((id) => (of[id] === undefined ? NOTHING : formatInterval(of[id])))
      return [
        {
          caption: `${capture}: ${formatShare(lossShare)} of the events are missing`,
          columns: [text('policy'), ...shown.map((id) => text(measureOf(id).title))],
          rows: [
            ['recorded', ...cells(intervals)],
            ...runsOn(comparison, capture).map((run) => [run.policy, ...cells(run.intervals ?? {})]),
          ],
        },
      ]
    }),
  }),
}
