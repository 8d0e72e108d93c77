import { type MeasureId, measureOf, type PcpComparison } from '#metrics'
import { runsOn } from '../sections/common.ts'
import { type Matrix, type MatrixCell, type MatrixColumn, roleOf, trimmed } from './matrix.ts'

/** What people ask first, in order; the section that answers in full. */
const questions: readonly (readonly [MeasureId, section: string])[] = [
  ['isolatedInterruptions', 'interruptions'],
  ['interruptions', 'interruptions'],
  ['zoneLocks', 'zone-lock'],
  ['zoneLockPages', 'zone-lock'],
  ['requesterWaitNs', 'drain-waits'],
  ['cachedPages', 'cached-pages'],
  ['strandedPages', 'stranded'],
  ['fastPathSteps', 'fast-path'],
  ['cachedPeakPages', 'cached-pages'],
  ['refills', 'comparison'],
  ['bulkFrees', 'bursts'],
]

const ASSUMED_WAITS =
  'Requester waits rest on assumed delays of work items and grace periods; those in the row of the record were measured.'

export function pcpMatrices(comparison: PcpComparison): Matrix[] {
  const { captures, recorded, differences, baseline } = comparison
  return captures.flatMap(({ name, recordedDrains }) => {
    const runs = runsOn(comparison, name).filter(({ totals }) => Object.keys(totals).length > 0)
    const row = recorded.find(({ capture }) => capture === name)
    if (runs.length === 0) return []
    const columns = questions.map(([id, section]): MatrixColumn => {
      const { unit, better, recordable, title, short, help } = measureOf(id)
      const error = row?.modelError[id]
      return {
        id,
        title,
        short,
        help,
        section,
        kind: unit === 'ns' ? 'ns' : 'count',
        ...(unit === 'pages' ? { unit } : {}),
        ...(better === undefined ? {} : { better }),
        ...(id === 'requesterWaitNs' ? { note: ASSUMED_WAITS } : {}),
        ...(error === undefined || !recordable ? {} : { error }),
      }
    })
    const recordedCell = (id: MeasureId): MatrixCell => ({
      value: row?.totals[id] ?? (id === 'requesterWaitNs' ? recordedDrains?.waits?.mean : undefined),
    })
    const cellOf = (policy: string, id: MeasureId, value: number | undefined): MatrixCell => {
      const one = differences.find(
        ({ capture, policy: of, measure }) => capture === name && of === policy && measure === id,
      )
      return one === undefined
        ? { value }
        : { value, verdict: one.verdict, because: one.because, baseline: one.baseline }
    }
    return [
      trimmed({
        capture: name,
        columns,
        errorOver: {
          short: 'worst window',
          help: 'Model error: the largest over the whole trace and ten windows of it.',
        },
        zero: [],
        rows: [
          ...(row === undefined
            ? []
            : [{ name: 'recorded', role: 'recorded', cells: questions.map(([id]) => recordedCell(id)) } as const]),
          ...runs.map(({ policy, totals, work, isBound }) => ({
            name: policy,
            role: roleOf(policy === baseline, work.allocsFromList === 0 || isBound === true),
            cells: questions.map(([id]) => cellOf(policy, id, totals[id])),
          })),
        ],
      }),
    ]
  })
}
