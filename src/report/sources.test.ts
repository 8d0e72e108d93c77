import { compile, type TopLevelSpec } from 'vega-lite'
import { expect, test } from 'vitest'
import { compose } from './page.ts'
import { withData, withoutData } from './sources.ts'
import { comparisonFixture } from './testing/fixture.ts'

test('a chart goes without the numbers that its compiled form has, and gets all of them back', () => {
  const charts = compose(comparisonFixture()).parts.flatMap((part) => part.charts)
  expect(charts.length).toBeGreaterThan(5)
  for (const { id, spec } of charts) {
    const compiled = compile(spec as TopLevelSpec).spec
    const source = JSON.parse(JSON.stringify(withoutData(spec, compiled)))
    expect([id, withData(source, compiled)]).toEqual([id, JSON.parse(JSON.stringify(spec))])
    expect(JSON.stringify(source).length).toBeLessThan(6000)
  }
})
