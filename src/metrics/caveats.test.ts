import { expect, test } from 'vitest'
import { lostWords } from './caveats.ts'

test.each([
  [{ gaps: 0, events: 0, uncounted: 0 }, undefined],
  [{ gaps: 1, events: 1, uncounted: 0 }, '1 event in 1 gap'],
  [{ gaps: 2, events: 1200, uncounted: 0 }, '1,200 events in 2 gaps'],
  [{ gaps: 3, events: 12, uncounted: 1 }, 'at least 12 events in 3 gaps'],
  [{ gaps: 3, events: 0, uncounted: 3 }, 'an unknown number of events in 3 gaps'],
])('losses %j are %s', (losses, words) => {
  expect(lostWords(losses)).toBe(words)
})
