import { expect, test } from 'vitest'
import { publishedFastPaths, trylockNs } from './fast-paths.ts'

test('what was published of fast paths: each range in order, none of them large, each with its source', () => {
  for (const { slower, machine, source } of publishedFastPaths) {
    expect(slower[0]).toBeLessThanOrEqual(slower[1])
    expect(Math.max(...slower.map(Math.abs))).toBeLessThan(0.06)
    expect(machine.length * source.length).toBeGreaterThan(0)
  }
})

test('system times as posted: EPYC 7742 1 to 128 threads', () => {
  const epyc = publishedFastPaths.find(({ machine }) => machine === 'EPYC 7742')
  // 345.07 → 342.10 s, 237.04 → 241.29 s
  expect(epyc?.slower.map((share) => (100 * share).toFixed(2))).toEqual(['-0.86', '1.79'])
})

test('a try-lock by the absolute rates of its series: 8 threads lose 6.7 ns, one gains 3.5 ns', () => {
  // 8 threads: 2017.3 ns a fault before, 2030.6 ns after; 1 thread: 1150.4 and 1143.4 ns. Two locks a fault.
  const [least, most] = trylockNs()
  expect(least).toBeCloseTo((1143.4 - 1150.4) / 2, 1)
  expect(most).toBeCloseTo((2030.6 - 2017.3) / 2, 1)
})
