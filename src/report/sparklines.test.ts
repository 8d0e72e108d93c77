import { expect, test } from 'vitest'
import { matricesOf } from './matrix/index.ts'
import { sparklinesOf } from './sparklines.ts'
import { comparisonFixture } from './testing/fixture.ts'

test('each row of the matrix that has values over time has a line of bars, on one scale', () => {
  const comparison = comparisonFixture()
  const [matrix] = matricesOf(comparison)
  const { title, rows } = sparklinesOf(comparison, matrix!)!
  expect(title).toMatch(/^pages moved under zone->lock from \d/)
  const names = matrix!.rows.map(({ name }) => name)
  expect(names).toEqual(expect.arrayContaining(rows.map(([name]) => name)))
  expect(rows.every(([, bars]) => /^[·▁▂▃▄▅▆▇█]{48}$/.test(bars))).toBe(true)
  expect(rows.filter(([name]) => name !== 'pcp/none').some(([, bars]) => bars.includes('█'))).toBe(true)
})
