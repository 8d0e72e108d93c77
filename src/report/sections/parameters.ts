import { zoneLabel } from '#kernel'
import { type Section, text } from './section.ts'

export const parameters: Section = {
  id: 'parameters',
  question: 'Which rules and parameters did each policy run with?',
  short: 'Parameters',
  applies: ({ runs }) => runs.length > 0,
  build: ({ captures, runs, baseline }) => ({
    tables: [
      {
        caption: 'Policies',
        columns: [
          ...(captures.length > 1 ? [text('capture')] : []),
          text('policy'),
          text('list rules'),
          text('drain mechanism'),
          text('high and batch at the start'),
          text('parameters'),
        ],
        rows: runs.map(({ capture, policy, lists, drain, params, sizes }) => [
          ...(captures.length > 1 ? [capture] : []),
          policy === baseline ? `${policy} (baseline)` : policy,
          lists,
          drain,
          sizes
            .map(
              ({ node, zone, high, batch }) =>
                `${sizes.length > 1 ? `${zoneLabel(node, zone)}: ` : ''}${high} and ${batch} pages`,
            )
            .join('; '),
          Object.entries(params)
            .map(([name, value]) => `${name} = ${value}`)
            .join(', ') || 'none',
        ]),
      },
    ],
  }),
}
