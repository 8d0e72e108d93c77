import { max, min } from 'd3-array'
import type { KvfreeComparedRun, KvfreeComparison } from '#metrics/kvfree'
import { formatDuration } from '../../format.ts'
import { colour } from '../../runtime/theme.ts'
import { facetedRows, logAxis, SHORT_NUMBERS } from '../charts.ts'
import { baselineRow, perCapture, policyLabel, sum } from '../common.ts'
import { type Chart, duration, percent, type Section, text } from '../section.ts'

export const kvfreeLatency: Section<KvfreeComparison> = {
  id: 'latency',
  question: 'How long does an object wait from kvfree_rcu() to kfree()?',
  short: 'Latency',
  applies: ({ runs }) => runs.some(({ latency }) => latency.length > 0),
  build: (comparison) => ({
    charts: perCapture(comparison, (_capture, runs, of, index) => [chartOf(comparison.baseline, runs, of, index)]),
    tables: perCapture(comparison, (_capture, runs, of) => [
      {
        caption: `Waits of objects${of}`,
        columns: [
          text('policy'),
          duration('median', 'fewer'),
          duration('p90', 'fewer'),
          duration('p99', 'fewer'),
          duration('longest', 'fewer'),
          duration('collected, mean', undefined, 'On its CPU’s pages or list, before a grace period is asked for.'),
          duration('waiting, mean', undefined, 'For the grace period and the work behind it.'),
          duration('being freed, mean'),
          percent('ready early', 'more', 'Objects whose grace period was over before anything waited for it.'),
        ],
        rows: runs.map(({ policy, quantiles: { reclaimLatencyNs: latencyNs }, meanWaitNs, work }) => [
          policy,
          latencyNs?.p50,
          latencyNs?.p90,
          latencyNs?.p99,
          latencyNs?.max,
          meanWaitNs.collected,
          meanWaitNs.waiting,
          meanWaitNs.freeing,
          work.freed === 0 ? undefined : work.readyEarly / work.freed,
        ]),
        ...baselineRow(runs, comparison.baseline),
      },
    ]),
  }),
}

const SHARE = { format: '.0%' } as const

function chartOf(baseline: string, runs: KvfreeComparedRun[], of: string, index: number): Chart {
  const rows = runs.map(({ policy }) => policyLabel(policy, baseline))
  const classes = runs.flatMap(({ policy, latency }, at) => {
    const all = sum(latency.map(({ objects }) => objects))
    return latency
      .filter(({ objects }) => objects > 0)
      .map(({ fromNs, objects }) => ({ row: rows[at], policy, fromNs: Math.max(fromNs, 1), share: objects / all }))
  })
  const waits = classes.flatMap(({ fromNs }) => [fromNs / 1e6, (fromNs * Math.SQRT2) / 1e6])
  const { domain, values } = logAxis(min(waits) ?? 1, max(waits) ?? 1)
  return {
    id: `latency-${index}`,
    title: `Share of objects by how long they wait${of}`,
    alt: `Histogram in one row for each policy, time on a logarithmic axis. ${runs
      .map(({ policy, quantiles: { reclaimLatencyNs: latencyNs } }) =>
        latencyNs === undefined
          ? `${policy}: nothing freed`
          : `${policy}: median ${formatDuration(latencyNs.p50)}, p99 ${formatDuration(latencyNs.p99)}`,
      )
      .join('; ')}.`,
    legend: [{ label: 'objects, in classes of half an octave', colour: 'k0', shape: 'area' }],
    spec: facetedRows({
      values: classes.map(({ row, fromNs, share }) => ({
        row,
        from: fromNs / 1e6,
        to: (fromNs * Math.SQRT2) / 1e6,
        share: Number(share.toPrecision(4)),
      })),
      rows,
      spacing: 14,
      spec: {
        height: 60,
        mark: { type: 'bar', color: colour('k0'), binSpacing: 0 },
        encoding: {
          x: {
            field: 'from',
            type: 'quantitative',
            scale: { type: 'log', domain, nice: false },
            axis: { title: 'wait (ms)', grid: false, values, ...SHORT_NUMBERS, labelOverlap: 'greedy' },
          },
          x2: { field: 'to' },
          y2: { datum: 0 },
          y: { field: 'share', type: 'quantitative', axis: { title: 'share', tickCount: 2, ...SHARE } },
        },
      },
    }),
    table: {
      caption: 'Objects by wait',
      columns: [text('policy'), duration('at least'), percent('share')],
      rows: classes.filter(({ share }) => share >= 0.001).map(({ policy, fromNs, share }) => [policy, fromNs, share]),
    },
  }
}
