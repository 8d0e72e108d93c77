import fc from 'fast-check'
import { parse, View } from 'vega'
import { compile } from 'vega-lite'
import { expect, test } from 'vitest'
import { comparisonFixture } from '../testing/fixture.ts'
import { linesInRows, logAxis, SHORT_NUMBERS } from './charts.ts'

async function labelsUpTo(most: number): Promise<string[]> {
  const { spec } = compile({
    data: { values: [{ v: 0 }, { v: most }] },
    mark: 'point',
    encoding: { y: { field: 'v', type: 'quantitative', axis: { tickCount: 3, ...SHORT_NUMBERS } } },
  })
  const svg = await new View(parse(spec), { renderer: 'none' }).toSVG()
  return [...svg.matchAll(/<text[^>]*>([^<]+)<\/text>/g)].map(([, label]) => label!).filter((label) => label !== 'v')
}

test.each([
  [0.6, ['0', '0.2', '0.4', '0.6']],
  [3, ['0', '1', '2', '3']],
  [150_000, ['0', '50k', '100k', '150k']],
  [1_500_000, ['0', '500k', '1M', '1.5M']],
])('the axis of numbers up to %d is short, and has no thousandths', async (most, labels) => {
  expect(await labelsUpTo(most)).toEqual(labels)
})

test.each([
  [8.5, 130, [5, 10, 20, 50, 100, 200]],
  [1, 1, [1]],
  [0.0021, 0.0042, [0.002, 0.005]],
  [0.003, 90_000, [0.001, 0.01, 0.1, 1, 10, 100, 1000, 10_000, 100_000]],
])('a logarithmic axis from %d to %d has few labels, each a round number', (least, most, labels) => {
  expect(logAxis(least, most).values).toEqual(labels)
})

test('a logarithmic axis holds all, and has at least a label at each end', () => {
  const number = fc.double({ min: 1e-6, max: 1e9, noNaN: true })
  fc.assert(
    fc.property(number, number, (a, b) => {
      const { domain, values } = logAxis(Math.min(a, b), Math.max(a, b))
      expect(domain[0]).toBeLessThanOrEqual(Math.min(a, b))
      expect(domain[1]).toBeGreaterThanOrEqual(Math.max(a, b))
      expect(domain).toEqual([values[0], values.at(-1)])
      expect(values.length).toBeLessThanOrEqual(16)
    }),
  )
})

test('a bound far above the others is cut and said to be; others, and a bound that is near, are drawn whole', () => {
  const drawn = (bound: number, isBound: boolean) =>
    JSON.stringify(
      linesInRows(
        comparisonFixture(),
        ['a', 'b'],
        [{ name: 'pages', colour: 'k0' }],
        [
          { row: 'a', series: 'pages', t: [0, 1], values: [50, 100] },
          { row: 'b', series: 'pages', t: [0, 1], values: [0, bound], isBound },
        ],
        'pages',
      ),
    )
  expect(drawn(30_000, true)).toContain('"domain":[0,105]')
  expect(drawn(30_000, true)).toContain('b, a bound, beyond the axis')
  for (const whole of [drawn(150, true), drawn(30_000, false)]) expect(whole).not.toMatch(/domain":\[0,|beyond/)
  // The policies alone decide how uneven the rows are.
  expect(drawn(30_000, true)).not.toContain('sqrt')
})

test('rows of which one is tenfold another stand on a square-root axis, which says so', () => {
  const drawn = (...peaks: number[]) =>
    JSON.stringify(
      linesInRows(
        comparisonFixture(),
        peaks.map(String),
        [{ name: 'pages', colour: 'k0' }],
        peaks.map((peak) => ({ row: String(peak), series: 'pages', t: [0, 1], values: [0, peak] })),
        'pages',
      ),
    )
  expect(drawn(89, 1925)).toMatch(/pages \(√\)","values":\[0,100,500,2000\].*"type":"sqrt"/)
  for (const even of [drawn(89, 168), drawn(0, 1925)]) expect(even).not.toMatch(/√|sqrt/)
})
