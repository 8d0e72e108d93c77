import { expect, test } from 'vitest'
import { lowered, scoresIn } from './scores.ts'

const page = (refills: string, bursts: string) =>
  `text\n\n| capture | refills | bursts | pages |\n|---|--:|--:|--:|\n| a | ${refills} of 1,098 | ${bursts} of 4 | 3 of 70,875 |\n`

test('a lower score is named, a higher one is not, and one that is gone counts as lower', () => {
  expect([...scoresIn(page('100 %', '99.5 %'))]).toEqual([
    ['table 1, a: refills', 100],
    ['table 1, a: bursts', 99.5],
  ])
  expect(lowered(page('99 %', '99.5 %'), page('100 %', '99.5 %'))).toEqual([])
  expect(lowered(page('100 %', '99.5 %'), page('99.99 %', '99.5 %'))).toEqual(['table 1, a: refills: 100 → 99.99 %'])
  expect(lowered(page('100 %', '99.5 %'), page('100 %', '–'))).toEqual(['table 1, a: bursts: 99.5 → no score %'])
})
