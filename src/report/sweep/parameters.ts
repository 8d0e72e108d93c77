import { colour } from '../runtime/theme.ts'
import { facetedRows, SHORT_NUMBERS } from '../sections/charts.ts'
import { type Chart, count, text } from '../sections/section.ts'
import { MOST_FACETS, MOST_ROWS, type SweepFindings, thinned } from './findings.ts'

const headOf = (policy: string): string => policy.split('{')[0]!

/** For each parameter that varies: the least of the objective that any choice with this value reaches, one row for each policy. */
export function parameterCharts({ runs, rows, objective }: SweepFindings): Chart[] {
  const meanOf = new Map(rows.map((row) => [row.policy, row.means[objective]]))
  const found = new Map<string, Map<string, Map<number, number>>>()
  for (const { policy, params, assumed } of runs) {
    const mean = meanOf.get(policy)
    if (mean === undefined || assumed !== undefined) continue
    for (const [param, value] of Object.entries(params)) {
      // One that the policy takes from the capture is no choice.
      if (typeof value !== 'number' || !new RegExp(`[{,]${param}=`).test(policy)) continue
      const heads = found.get(param) ?? new Map<string, Map<number, number>>()
      const values = heads.get(headOf(policy)) ?? new Map<number, number>()
      values.set(value, Math.min(values.get(value) ?? mean, mean))
      found.set(param, heads.set(headOf(policy), values))
    }
  }
  return [...found].flatMap(([param, heads]) => {
    const varied = [...heads].filter(([, values]) => values.size > 1).slice(0, MOST_FACETS)
    return varied.length === 0 ? [] : [parameterChart(param, varied, objective)]
  })
}

function parameterChart(
  param: string,
  heads: readonly [string, ReadonlyMap<number, number>][],
  objective: string,
): Chart {
  const points = heads.flatMap(([row, values]) =>
    thinned(
      [...values].sort(([a], [b]) => a - b),
      200,
    ).map(([value, least]) => ({ row, value, least })),
  )
  const ratio = Math.max(...points.map(({ value }) => value)) / Math.min(...points.map(({ value }) => value))
  return {
    id: `param-${param}`,
    title: `${objective} by ${param}, the other parameters at their best`,
    alt: `A line for each policy: ${heads
      .map(([head, values]) => {
        const [at, least] = [...values].reduce((best, one) => (one[1] < best[1] ? one : best))
        return `${head}: least ${Math.round(least)} at ${param} ${at}`
      })
      .join('; ')}.`,
    legend: [],
    spec: facetedRows({
      rows: heads.map(([head]) => head),
      values: points,
      spec: {
        height: 110,
        mark: { type: 'line', point: true, color: colour('k0') },
        encoding: {
          x: {
            field: 'value',
            type: 'quantitative',
            scale: Number.isFinite(ratio) && ratio > 50 ? { type: 'log', nice: false } : { zero: false },
            axis: { title: param, tickCount: 8, ...SHORT_NUMBERS },
          },
          y: {
            field: 'least',
            type: 'quantitative',
            scale: { zero: false },
            axis: { title: objective, ...SHORT_NUMBERS },
          },
          tooltip: [
            { field: 'value', title: param, format: ',.6~r' },
            { field: 'least', title: objective, format: ',.6~r' },
          ],
        },
      },
    }),
    table: {
      caption: `${objective} by ${param}`,
      columns: [text('policy'), count(param), count(objective)],
      rows: thinned(points, MOST_ROWS).map(({ row, value, least }) => [row, value, Math.round(least)]),
    },
  }
}
