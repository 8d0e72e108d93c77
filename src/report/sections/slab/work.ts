import type { SlabComparison } from '#metrics/slab'
import { baselineRow, perCapture } from '../common.ts'
import { count, pages, type Section, text } from '../section.ts'

/** What each policy does, and what it holds. */
export const slabWork: Section<SlabComparison> = {
  id: 'slab-work',
  question: 'How often does each policy leave its CPU, and what does it hold for that?',
  short: 'Slow paths',
  applies: ({ runs }) => runs.length > 0,
  build: (comparison) => ({
    paragraphs: [
      'A CPU that finds nothing at hand refills from its node’s slabs under list_lock, or takes a full sheaf out of the barn under the barn’s lock. What it holds free meanwhile is memory that nobody uses.',
    ],
    tables: perCapture(comparison, (_capture, runs, of) => [
      {
        caption: `Work${of}`,
        columns: [
          text('policy'),
          count('slow allocations', 'fewer', 'Found nothing in what their CPU keeps at hand.'),
          count('slow frees', 'fewer', 'Their CPU could not keep the object at hand.'),
          count('list_lock', 'fewer', 'Acquisitions of a node’s list_lock.'),
          count('barn lock', 'fewer', 'Acquisitions of a barn’s lock.'),
          count('refills', 'fewer'),
          count('objects per refill'),
          count('flushes', 'fewer'),
          count('remote frees', 'fewer', 'Into a slab that another CPU holds, or past the sheaves to another node.'),
        ],
        rows: runs.map(({ policy, work }) => [
          policy,
          work.allocSlowPaths,
          work.freeSlowPaths,
          work.listLocks,
          work.barnLocks,
          work.refills,
          work.refills === 0 ? undefined : work.refilledObjects / work.refills,
          work.flushes,
          work.remoteFrees,
        ]),
        ...baselineRow(runs, comparison.baseline),
      },
      {
        caption: `Memory${of}`,
        columns: [
          text('policy'),
          pages('slab pages allocated', 'fewer'),
          pages('slab pages freed'),
          count('free objects a CPU holds, mean', 'fewer'),
          count('free objects on CPUs, peak', 'fewer'),
          count('objects in barns, peak', 'fewer'),
          count('in incomplete RCU sheaves, mean', 'fewer', 'No timer flushes them.'),
          count('at the end', 'fewer', 'In incomplete RCU sheaves when the trace ends.'),
        ],
        rows: runs.map(({ policy, work, held }) => [
          policy,
          work.slabPagesAllocated,
          work.slabPagesFreed,
          held.meanPerCpu,
          held.peak,
          held.peakInBarn,
          held.rcuMean,
          held.rcuAtEnd,
        ]),
        ...baselineRow(runs, comparison.baseline),
      },
    ]),
  }),
}
