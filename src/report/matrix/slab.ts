import { type SlabComparison, slabTotals } from '#metrics/slab'
import { runsOn } from '../sections/common.ts'
import { type Matrix, type MatrixCell, type MatrixColumn, roleOf, trimmed } from './matrix.ts'

type Measure = SlabComparison['differences'][number]['measure']
type Question = MatrixColumn & { readonly id: Measure }

const fewer = (id: Measure, title: string, short: string, help: string): Question => ({
  id,
  title,
  short,
  kind: 'count',
  better: 'fewer',
  help,
  section: 'slab-work',
})

const questions: readonly Question[] = [
  fewer('listLocks', 'acquisitions of list_lock', 'list_lock', 'The lock of a node’s partial slabs.'),
  fewer(
    'allocSlowPaths',
    'slow allocations',
    'slow allocs',
    'Allocations that found nothing in what their CPU keeps at hand.',
  ),
  fewer('slabFrees', 'calls of __slab_free()', 'slab frees', 'Objects of one slab that go back to it at once.'),
  fewer('slabsAllocated', 'slabs allocated', 'new slabs', 'Slabs from the page allocator.'),
  fewer('heldPerCpu', 'free objects a CPU holds, mean', 'held a CPU', 'Averaged over CPUs and time.'),
  fewer('peakInBarn', 'objects in barns, peak', 'in barns', 'Full sheaves that a node keeps.'),
  fewer('remoteFrees', 'remote frees', 'remote frees', 'Into a slab that another CPU holds.'),
  fewer('rcuMean', 'objects in incomplete RCU sheaves, mean', 'in RCU sheaves', 'No timer flushes them.'),
]

export function slabMatrices(comparison: SlabComparison): Matrix[] {
  const { captures, recorded, differences, baseline } = comparison
  return captures.flatMap(({ name }) => {
    const runs = runsOn(comparison, name)
    const here = differences.filter(({ capture }) => capture === name)
    const row = recorded.find(({ capture }) => capture === name)
    if (runs.length === 0) return []
    const cellOf = (run: (typeof runs)[number], id: Measure): MatrixCell => {
      const one = here.find(({ policy, measure }) => policy === run.policy && measure === id)
      if (one === undefined) return { value: slabTotals(run)[id] }
      return { value: one.value, baseline: one.baseline, verdict: one.verdict, because: one.because }
    }
    return [
      trimmed({
        capture: name,
        zero: [],
        errorOver: {
          short: 'cache by cache',
          help: 'Model error: summed cache by cache, so that misses do not cancel.',
        },
        columns: questions.map((column) => {
          const error = row?.modelError[column.id]
          return error === undefined ? column : { ...column, error }
        }),
        rows: [
          ...(row === undefined
            ? []
            : [
                {
                  name: 'recorded',
                  role: 'recorded',
                  cells: questions.map(({ id }) => ({ value: row.totals[id] })),
                } as const,
              ]),
          ...runs.map((run) => ({
            name: run.policy,
            role: roleOf(run.policy === baseline, run.policy === 'slab/none'),
            cells: questions.map(({ id }) => cellOf(run, id)),
          })),
        ],
      }),
    ]
  })
}
