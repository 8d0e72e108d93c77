import { count, type Table, text } from '../sections/section.ts'
import { MOST_ROWS, named, type SweepFindings, signed } from './findings.ts'

export function bestTable(findings: SweepFindings): Table {
  const { rows, axes, objective } = findings
  const judged = rows.some(({ verdict }) => verdict !== undefined)
  const shown = [
    ...rows.slice(0, MOST_ROWS),
    ...rows.slice(MOST_ROWS).filter(({ policy }) => policy === findings.baseline),
  ]
  return {
    caption: `Best by ${objective}${rows.length > shown.length ? `, the first ${MOST_ROWS} of ${rows.length}` : ''}; means over captures`,
    columns: [
      text('policy'),
      text(`${objective} beside the baseline`),
      ...(judged ? [text('verdict')] : []),
      ...axes.map((axis) => count(axis)),
      text('limits'),
      text('on the front'),
    ],
    rows: shown.map((row) => [
      named(row.policy, findings),
      signed(row.difference),
      ...(judged ? [row.verdict ?? ''] : []),
      ...axes.map((axis) => row.means[axis]),
      row.breaks.length === 0 ? 'kept' : `breaks ${row.breaks.join(', ')}`,
      row.onFront ? 'yes' : '',
    ]),
  }
}

export function assumptionTables(findings: SweepFindings): Table[] {
  const { runs, objective, turningPoints = [] } = findings
  const varied = Map.groupBy(
    runs.filter(({ assumed }) => assumed !== undefined),
    ({ assumed }) => `${assumed!.of}\n${assumed!.param}`,
  )
  const rows = [...varied].map(([key, some]) => {
    const [of = '', param = ''] = key.split('\n')
    const values = some.flatMap(({ assumed }) => (typeof assumed!.value === 'number' ? [assumed!.value] : []))
    const shifts = some.flatMap(({ capture, measures }) => {
      const usual = runs.find((run) => run.policy === of && run.capture === capture && run.assumed === undefined)
      const [value, from] = [measures[objective], usual?.measures[objective]]
      return value === undefined || from === undefined || from === 0 ? [] : [(value - from) / from]
    })
    return [
      of,
      param,
      values.length === 0 ? '–' : `${Math.min(...values)} to ${Math.max(...values)}`,
      shifts.length === 0 ? '–' : `${signed(Math.min(...shifts))} to ${signed(Math.max(...shifts))}`,
    ]
  })
  return [
    {
      caption: `How ${objective} moves with an assumed input`,
      columns: [text('policy'), text('input'), text('values'), text(`${objective} moves by`)],
      rows: rows.slice(0, MOST_ROWS),
    },
    {
      caption: 'What would have to change for another mechanism to win',
      columns: [text('assumed input'), count('is'), text('range'), text('would have to be'), text('then wins')],
      rows: turningPoints.map(({ param, assumed, low, high, rival, at }) => [
        param,
        assumed,
        `${low} to ${high}`,
        at === undefined
          ? 'nowhere in the range'
          : `${at}${assumed === 0 ? '' : ` (× ${(at / assumed).toPrecision(3)})`}`,
        rival,
      ]),
    },
  ]
}
