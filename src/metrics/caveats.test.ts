import { expect, test } from 'vitest'
import { parseRelease } from '#kernel'
import { lostWords, syntheticCaveat } from './caveats.ts'

test.each([
  [{ gaps: 0, events: 0, uncounted: 0 }, undefined],
  [{ gaps: 1, events: 1, uncounted: 0 }, '1 event in 1 gap'],
  [{ gaps: 2, events: 1200, uncounted: 0 }, '1,200 events in 2 gaps'],
  [{ gaps: 3, events: 12, uncounted: 1 }, '12 events in 2 gaps, and an unknown number in 1 more'],
  [{ gaps: 3, events: 0, uncounted: 3 }, 'an unknown number of events in 3 gaps'],
])('losses %j are %s', (losses, words) => {
  expect(lostWords(losses)).toBe(words)
})

test('a machine that is called kreplay has a kernel: its uname tells when that was built', () => {
  const caveatOf = (uname: string) => syntheticCaveat({ release: parseRelease(uname)! })
  expect(caveatOf('Linux kreplay 6.1.9 #1 SMP x86_64 GNU/Linux\n')).toMatch(/^The trace is synthetic/)
  expect(caveatOf('Linux kreplay 6.1.9 #1 SMP Fri Aug 1 14:26:00 UTC 2025 x86_64 GNU/Linux\n')).toBe(undefined)
  expect(caveatOf('Linux kreplay 6.1.9')).toBe(undefined)
})
