import { expect, test } from 'vitest'
import { renderPage } from '../html.ts'
import { composeSweep, type SweepFindings } from './index.ts'

const row = (policy: string, cost: number, memory: number, onFront: boolean) => ({
  policy,
  difference: cost / 100 - 1,
  means: { cost, memory },
  pairs: [
    { capture: 'a', relative: cost / 100 - 1 },
    { capture: 'b', relative: 0 },
  ],
  breaks: [],
  onFront,
})

const findings: SweepFindings = {
  title: 'Sweep: a, <b>',
  origin: 'a: Linux 6.1',
  version: '0',
  notModelled: [],
  objective: 'cost',
  baseline: 'own',
  axes: ['cost', 'memory'],
  sentences: ['Least cost: x{high=1}.'],
  rows: [row('x{high=1}', 50, 9, true), row('x{high=2}', 70, 8, true), row('own', 100, 9, false)],
  runs: [
    { capture: 'a', policy: 'x{high=1}', params: { high: 1, other: 3 }, measures: { cost: 50 } },
    { capture: 'a', policy: 'x{high=2}', params: { high: 2, other: 4 }, measures: { cost: 70 } },
    { capture: 'a', policy: 'own', params: {}, measures: { cost: 100 } },
    {
      capture: 'a',
      policy: 'own{delay=5}',
      params: { delay: 5 },
      measures: { cost: 150 },
      assumed: { of: 'own', param: 'delay', value: 5 },
    },
  ],
  turningPoints: [{ param: 'delay', assumed: 1, low: 0, high: 9, rival: 'own', at: 4 }],
}

test('a sweep’s page: the best, the front, captures, what was varied, what is assumed', () => {
  const { parts } = composeSweep(findings)
  expect(parts.map(({ section }) => section.id)).toEqual(['found', 'front', 'captures', 'parameters', 'assumptions'])
  // `other` follows from the capture: nobody chose it.
  expect(parts[3]!.charts.map(({ id }) => id)).toEqual(['param-high'])
  expect(parts[4]!.tables.map(({ rows }) => rows)).toEqual([
    [['own', 'delay', '5 to 5', '+50.0 % to +50.0 %']],
    [['delay', 1, '0 to 9', '4 (× 4.00)', 'own']],
  ])
})

test('names of captures and policies are text in the page', async () => {
  const html = await renderPage(composeSweep(findings))
  expect(html).toContain('Sweep: a, &lt;b&gt;')
  expect(html).not.toContain('<b>')
})
