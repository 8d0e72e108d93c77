import { share } from '#kernel'
import type { KvfreeAgreement, KvfreeComparison, KvfreeFidelity } from '#metrics/kvfree'
import { count, duration, percent, type Section, type Table, text } from '../section.ts'

/** Smaller ÷ larger: 1 where both are the same. */
const agreement = (recorded: number, predicted: number): number | undefined =>
  share(Math.min(recorded, predicted), Math.max(recorded, predicted))

export const kvfreeFidelity: Section<KvfreeComparison> = {
  id: 'fidelity',
  question: 'How exactly does the replay reproduce what the kernel recorded?',
  short: 'Fidelity',
  applies: ({ fidelity }) => fidelity.some(({ kvfree }) => kvfree !== undefined),
  build: ({ captures, fidelity }) => ({
    paragraphs: [
      'The recording kernel’s own policy is replayed and held against the bulk frees, list frees and sheaves that the kernel itself traced: once with work items and callbacks begun when the record says, since scheduling sets that and no policy; once after generated delays, as every policy below is run. Trust a policy’s numbers as far as the last two columns agree with the record.',
    ],
    tables: fidelity.flatMap(({ capture, kvfree }) =>
      kvfree === undefined ? [] : tablesOf(kvfree, captures.length > 1 ? ` (${capture})` : ''),
    ),
    caveats: ['Latency is matched first in, first out over the machine on both sides: bulk frees carry no pointers.'],
  }),
}

function tablesOf(kvfree: KvfreeFidelity, of: string): Table[] {
  const delayed = kvfree.generatedDelays
  const row = (what: string, recorded: number, of: (one: KvfreeAgreement) => number) => [
    what,
    recorded,
    of(kvfree),
    agreement(recorded, of(kvfree)),
    of(delayed),
    agreement(recorded, of(delayed)),
  ]
  const titles = ['recorded', 'replayed', 'generated delays'] as const
  const columns = (kind: typeof count) => [
    text('what'),
    kind(titles[0]),
    kind(titles[1]),
    percent('agreement'),
    kind(titles[2]),
    percent('agreement'),
  ]
  const waits = kvfree.reclaimLatencyNs
  return [
    {
      caption: `${kvfree.policy} against the record${of}`,
      columns: columns(count),
      rows: [
        row('bulk frees', kvfree.bulkFrees.recorded, ({ bulkFrees }) => bulkFrees.predicted),
        row('objects in them', kvfree.bulkObjects.recorded, ({ bulkObjects }) => bulkObjects.predicted),
        row('objects freed from a list', kvfree.listFrees.recorded, ({ listFrees }) => listFrees.predicted),
        row('objects in flight, mean', kvfree.footprint.recorded.mean, ({ footprint }) => footprint.predicted.mean),
        row('objects in flight, peak', kvfree.footprint.recorded.peak, ({ footprint }) => footprint.predicted.peak),
      ],
    },
    ...(waits === undefined || delayed.reclaimLatencyNs === undefined
      ? []
      : [
          {
            caption: `Waits from kvfree_rcu() to kfree()${of}`,
            columns: columns(duration),
            rows: [
              row('median', waits.recorded.p50, (one) => one.reclaimLatencyNs!.predicted.p50),
              row('p99', waits.recorded.p99, (one) => one.reclaimLatencyNs!.predicted.p99),
            ],
          },
        ]),
  ]
}
