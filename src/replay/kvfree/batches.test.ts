import { expect, test } from 'vitest'
import type { KvfreeResult } from './engine.ts'
import { type Group, MS, story } from './testing/story.ts'

const waits = ({ batches }: KvfreeResult) =>
  batches.map(({ slot, queued, begun, objects }) => `slot ${slot}, ${queued / MS}-${begun / MS}: ${objects}`)

const twice: Group[] = [
  { ms: 0.5, n: 510 },
  { ms: 1.5, n: 510 },
]

test('a batch waits from its handing over at a tick until its grace period is over', () => {
  expect(waits(story('kvfree/linux-6.1', twice, { endMs: 100 }))).toEqual(['slot 0, 1-10: 510', 'slot 1, 2-10: 510'])
})

test('a work that is queued again while it sleeps keeps the moment of what it frees', () => {
  const busy = [0.5, 1.5, 2.5, 3.5].map((ms) => ({ ms, n: 510 }))
  expect(waits(story('kvfree/polled-v2', busy, { endMs: 100 }))).toEqual([
    'slot 0, 1-10: 510',
    'slot 0, 2-10: 510',
    'slot 1, 3-10: 509',
    'slot 1, 3-10: 1',
    'slot 1, 4-10: 510',
  ])
})
