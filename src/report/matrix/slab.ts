import type { SlabComparedRun, SlabComparison, SlabFidelity } from '#metrics/slab'
import { runsOn } from '../sections/common.ts'
import { type Matrix, type MatrixCell, type MatrixColumn, trimmed } from './matrix.ts'

interface Question {
  readonly column: MatrixColumn
  readonly of: (run: SlabComparedRun) => number
  /** The probes’ count that checks it. */
  readonly checked?: keyof SlabFidelity['totals']
}

const fewer = (id: string, title: string, short: string, help: string, section = 'slab-work'): MatrixColumn => ({
  id,
  title,
  short,
  kind: 'count',
  better: 'fewer',
  help,
  section,
})

const questions: readonly Question[] = [
  {
    column: fewer('listLocks', 'acquisitions of list_lock', 'list_lock', 'The lock of a node’s partial slabs.'),
    of: ({ work }) => work.listLocks,
  },
  {
    column: fewer(
      'allocSlowPaths',
      'slow allocations',
      'slow allocs',
      'Allocations that found nothing in what their CPU keeps at hand.',
    ),
    of: ({ work }) => work.allocSlowPaths,
    checked: 'allocSlowPaths',
  },
  {
    column: fewer(
      'slabFrees',
      'calls of __slab_free()',
      'slab frees',
      'Objects of one slab that go back to it at once.',
    ),
    of: ({ work }) => work.slabFrees,
    checked: 'slabFrees',
  },
  {
    column: fewer('slabsAllocated', 'slabs allocated', 'new slabs', 'Slabs from the page allocator.'),
    of: ({ work }) => work.slabsAllocated,
    checked: 'slabsAllocated',
  },
  {
    column: fewer('cached', 'free objects a CPU holds, mean', 'held a CPU', 'On the mean over CPUs and time.'),
    of: ({ held }) => held.meanPerCpu,
  },
  {
    column: fewer('barn', 'objects in barns, peak', 'in barns', 'Full sheaves that a node keeps.'),
    of: ({ held }) => held.peakInBarn,
  },
  {
    column: fewer('remoteFrees', 'remote frees', 'remote frees', 'Into a slab that another CPU holds.'),
    of: ({ work }) => work.remoteFrees,
  },
  {
    column: fewer('rcuHeld', 'objects in incomplete RCU sheaves, mean', 'in RCU sheaves', 'No timer flushes them.'),
    of: ({ held }) => held.rcuMean,
  },
]

/** A difference is settled if it exceeds how far the recording kernel’s own policy is off. */
function cellOf(value: number, base: number, error: number | undefined): MatrixCell {
  if (error === undefined) return { value, baseline: base, verdict: 'unchecked', because: ['not recorded'] }
  const apart = value === base ? 0 : Math.abs(value - base) / Math.max(value, base)
  return { value, baseline: base, verdict: apart > error ? 'settled' : 'within-model-error', because: [] }
}

export function slabMatrices(comparison: SlabComparison): Matrix[] {
  const { captures, fidelity, baseline } = comparison
  return captures.flatMap(({ name }) => {
    const runs = runsOn(comparison, name)
    const base = runs.find(({ policy }) => policy === baseline)
    if (base === undefined) return []
    const totals = fidelity.find(({ capture }) => capture === name)?.slab?.totals
    const pairs = questions.map(({ checked }) => (checked === undefined ? undefined : totals?.[checked]))
    const errors = pairs.map((pair) =>
      pair === undefined || pair.recorded === 0 ? undefined : Math.abs(pair.predicted / pair.recorded - 1),
    )
    return [
      trimmed({
        capture: name,
        zero: [],
        columns: questions.map(({ column }, at) =>
          errors[at] === undefined ? column : { ...column, error: errors[at] },
        ),
        rows: [
          ...(pairs.some((pair) => pair !== undefined)
            ? [
                {
                  name: 'recorded',
                  role: 'recorded',
                  cells: pairs.map((pair) => ({ value: pair?.recorded })),
                } as const,
              ]
            : []),
          ...runs.map((run) => ({
            name: run.policy,
            role: run === base ? ('baseline' as const) : ('policy' as const),
            cells: questions.map(({ of }, at) =>
              run === base ? { value: of(run) } : cellOf(of(run), of(base), errors[at]),
            ),
          })),
        ],
      }),
    ]
  })
}
