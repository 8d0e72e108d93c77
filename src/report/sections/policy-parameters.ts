import type { AcceptComparison } from '#metrics/accept'
import type { KvfreeComparison } from '#metrics/kvfree'
import type { SlabComparison } from '#metrics/slab'
import { policyLabel } from './common.ts'
import { type Section, text } from './section.ts'

/** For policies of one part. */
export const policyParameters: Section<AcceptComparison | KvfreeComparison | SlabComparison> = {
  id: 'parameters',
  question: 'Which rules and parameters did each policy run with?',
  short: 'Parameters',
  applies: ({ runs }) => runs.length > 0,
  build: ({ runs, baseline }) => {
    const names = [...new Set(runs.flatMap(({ params }) => Object.keys(params)))]
    const policies = [...new Map(runs.map((run) => [run.policy, run])).values()]
    return {
      tables: [
        {
          caption: 'Parameters',
          columns: [text('parameter'), ...policies.map(({ policy }) => text(policyLabel(policy, baseline)))],
          rows: names.map((name) => [
            name,
            ...policies.map(({ params }) => (params[name] === undefined ? undefined : String(params[name]))),
          ]),
        },
      ],
    }
  },
}
