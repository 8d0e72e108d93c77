import { share } from '#kernel'
import type { Run, Work } from '#metrics'
import { baselineRow, enough, perCapture, sum } from './common.ts'
import { type Cell, type Column, count, pages, percent, type Section, type Table, text, workColumn } from './section.ts'

/** What one table compares: a column and where a run has its value. */
interface Compared {
  readonly column: Column
  readonly of: (run: Run, isolated: readonly number[]) => Cell
}

const work = (field: keyof Work, title: string, better?: 'fewer' | 'more'): Compared => ({
  column: workColumn(field, title, better),
  of: ({ work }) => work[field],
})

const disturbance: readonly Compared[] = [
  work('interruptions', 'interruptions', 'fewer'),
  {
    column: count('of isolated CPUs', 'fewer', 'kworker activations or IPIs on CPUs that the machine isolates.'),
    of: ({ interruptions }, isolated) =>
      isolated.length === 0 ? undefined : sum(isolated.map((cpu) => interruptions[cpu] ?? 0)),
  },
  work('workItemWaits', 'work items waited for', 'fewer'),
  work('gracePeriodWaits', 'grace periods waited for', 'fewer'),
  work('remoteDrains', 'remote drains'),
  work('drainRequests', 'drain requests'),
  work('drainRequestsSkipped', 'of them skipped', 'fewer'),
  work('requestedDrainPages', 'drained on request'),
  work('localDrainPages', 'by compaction'),
]

const zoneLock: readonly Compared[] = [
  work('zoneLocks', 'zone->lock taken', 'fewer'),
  work('zoneLockPages', 'moved under it', 'fewer'),
  work('refills', 'refills', 'fewer'),
  {
    column: pages('refill, median', undefined, 'Pages fetched by half of the refills, or fewer.'),
    of: ({ quantiles, work }) => enough(work.refills, quantiles.refillPages?.p50),
  },
  work('drainBursts', 'bulk frees', 'fewer'),
  {
    column: pages('bulk free, median', undefined, 'Pages given back by half of the bursts, or fewer.'),
    of: ({ quantiles, work }) => enough(work.drainBursts, quantiles.burstPages?.p50),
  },
  { column: pages('bulk free, p99'), of: ({ quantiles, work }) => enough(work.drainBursts, quantiles.burstPages?.p99) },
  {
    column: pages('bulk free, largest', 'fewer', 'The longest single hold of zone->lock.'),
    of: ({ quantiles }) => quantiles.burstPages?.max,
  },
]

const fastPath: readonly Compared[] = [
  {
    column: percent('served from a list', 'more', 'Of all allocations that succeeded.'),
    of: ({ work }) => share(work.allocsFromList, work.allocs),
  },
  work('allocsAfterRefill', 'after a refill', 'fewer'),
  work('allocsFromBuddy', 'from the buddy', 'fewer'),
  work('freesToBuddy', 'frees to the buddy', 'fewer'),
  work('pcpLocks', 'per-CPU locks', 'fewer'),
  work('dereferences', 'extra dereferences', 'fewer'),
  work('strandedPagesAtEnd', 'stranded at the end', 'fewer'),
]

const groups: readonly { caption: string; compared: readonly Compared[] }[] = [
  { caption: 'Who is disturbed when lists are drained', compared: disturbance },
  { caption: 'Work under zone->lock', compared: zoneLock },
  { caption: 'What the fast path pays, and what stays behind', compared: fastPath },
]

export const comparison: Section = {
  id: 'comparison',
  question: 'How do the policies differ from the baseline?',
  short: 'Comparison',
  applies: ({ runs }) => runs.length > 0,
  build: (all) => ({
    paragraphs: [
      `Every policy saw the same allocations and frees at the same times on the same CPUs. Counts are over ${all.captures.some(({ window }) => window !== undefined) ? 'the window' : 'the whole trace'} and all CPUs; the difference from ${all.baseline} stands below. Whether it is a finding, the matrix above says.`,
    ],
    tables: perCapture(all, (capture, runs, of) =>
      groups.map(
        ({ caption, compared }): Table => ({
          caption: caption + of,
          columns: [text('policy'), ...compared.map(({ column }) => column)],
          rows: runs.map((run) => [run.policy, ...compared.map((one) => one.of(run, capture.isolated))]),
          ...baselineRow(runs, all.baseline),
        }),
      ),
    ),
  }),
}
