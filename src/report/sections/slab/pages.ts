import type { SlabComparison } from '#metrics/slab'
import { perCapture, policyLabel } from '../common.ts'
import { count, type Section, text } from '../section.ts'

export const slabPages: Section<SlabComparison> = {
  id: 'slab-pages',
  question: 'What do slab pages cost the page allocator?',
  short: 'Pages',
  applies: ({ pages }) => pages.length > 0,
  build: (comparison) => ({
    paragraphs: [
      'The page requests of the trace, replayed with the slab pages each policy takes and gives back in place of the recorded ones. Slabs from before the trace are given back when the record gave them back. By how much the recording kernel’s own slab policy differs from the record is the error of this.',
    ],
    tables: perCapture(comparison, (capture, _runs, of) => [
      {
        caption: `Work of the page allocator${of}`,
        columns: [
          text('slab pages of'),
          text('page lists'),
          count('refills', 'fewer'),
          count('zone->lock acquisitions', 'fewer'),
          count('pages under it', 'fewer'),
          count('bulk frees', 'fewer'),
        ],
        rows: comparison.pages
          .filter((row) => row.capture === capture.name)
          .map(({ slab, pcp, refills, zoneLocks, zoneLockPages, bulkFrees }) => [
            slab === 'recorded' ? 'the record' : policyLabel(slab, comparison.baseline),
            pcp,
            refills,
            zoneLocks,
            zoneLockPages,
            bulkFrees,
          ]),
      },
    ]),
  }),
}
