import { zoneLabel } from '#kernel'
import { type ComparisonHead, lostWords } from '#metrics'
import { formatCount, formatDuration } from '../format.ts'
import { type Capture, sum } from './common.ts'
import { count, pages, type Section, type Table, text } from './section.ts'

const lossesOf = ({ losses }: Capture): string => lostWords(losses) ?? 'none'

export const provenance: Section<ComparisonHead> = {
  id: 'provenance',
  question: 'What was recorded, where, and what of it could not be read?',
  short: 'Provenance',
  applies: () => true,
  build: (comparison) => ({
    tables: [
      madeBy(comparison),
      ...comparison.captures.flatMap((capture) => tablesOf(capture)),
      ...skipped('What the replays could not use', comparison.tally),
    ],
    caveats: comparison.captures.flatMap(({ name, missing }) =>
      missing.length === 0
        ? []
        : [`${name} lacks ${missing.join(', ')}: what they would have shown is assumed, at a cost in accuracy.`],
    ),
  }),
}

const madeBy = ({ version, commit, command }: ComparisonHead): Table => ({
  caption: 'How this was made',
  columns: [text('property'), text('value')],
  rows: [
    ['program', `kreplay ${version}${commit === undefined ? '' : `, commit ${commit}`}`],
    ...(command === undefined ? [] : [['command', command]]),
  ],
})

function tablesOf(capture: Capture): Table[] {
  const {
    name,
    kernel,
    synthetic,
    format,
    clock,
    cpus,
    isolated,
    spanNs,
    events,
    zones,
    tally,
    recordedInterruptions,
  } = capture
  const recorded = Object.entries(recordedInterruptions)
  return [
    {
      caption: `Capture ${name}`,
      columns: [text('property'), text('value')],
      rows: [
        ['kernel', synthetic === true ? `none: a synthetic trace as of ${kernel}` : kernel],
        ['format', clock === undefined ? format : `${format}, clock ${clock}`],
        ['CPUs', cpus.length === 0 ? 'unknown' : `${cpus.length} (${cpus.join(', ')})`],
        ['isolated CPUs', isolated.length === 0 ? 'none' : isolated.join(', ')],
        ['span', formatDuration(spanNs)],
        ['events', formatCount(sum(Object.values(events)))],
        ['lost in recording', lossesOf(capture)],
        [
          'drain work recorded',
          recorded.length === 0 ? 'none' : recorded.map(([cpu, n]) => `CPU ${cpu}: ${formatCount(n)}`).join(', '),
        ],
        ['missing beside the trace', capture.missing.length === 0 ? 'nothing' : capture.missing.join(', ')],
      ],
    },
    ...(zones.length === 0
      ? []
      : [
          {
            caption: `Zones of ${name}`,
            columns: [text('zone'), pages('managed'), pages('batch'), pages('high')],
            rows: zones.map(({ node, name, managed, batch, high }) => [zoneLabel(node, name), managed, batch, high]),
          },
        ]),
    {
      caption: `Events of ${name}`,
      columns: [text('event'), count('events')],
      rows: Object.entries(events).toSorted(([, a], [, b]) => b - a),
    },
    ...skipped(`Skipped in ${name}`, tally),
  ]
}

const levels = { note: 'note', 'data-loss': 'data loss', error: 'error' } as const

function skipped(caption: string, tally: ComparisonHead['tally']): Table[] {
  if (tally.length === 0) return []
  return [
    {
      caption,
      columns: [text('cause'), text('level'), count('times'), text('meaning'), text('first at')],
      rows: tally.map(({ cause, level, count, help, first }) => [cause, levels[level], count, help, first]),
    },
  ]
}
