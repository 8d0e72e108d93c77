import { parse, View } from 'vega'
import { compile } from 'vega-lite'
import { expect, test } from 'vitest'
import { SHORT_NUMBERS } from './charts.ts'

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
