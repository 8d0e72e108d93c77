import { expect, test } from 'vitest'
import { eventsOf } from '../../testing/any-events.ts'
import { differences } from './same-events.ts'

const free = (pfn: number, time = 0) => ({ event: 'mm_page_free', time, cpu: 0, pfn, order: 0 }) as const
const blind = { resolutionNs: 1, fields: [] }

test('equal events do not differ; another value or an event that is missing is found', () => {
  const whole = eventsOf([free(1), free(2)])
  expect(differences(eventsOf([free(1), free(2)]), whole, blind, true)).toEqual([])
  expect(differences(eventsOf([free(1), free(3)]), whole, blind, true)).toEqual([
    expect.stringMatching(/^1: .*"pfn":3.* ≠ /),
  ])
  expect(differences(eventsOf([free(1), free(2, 5)]), whole, blind, true)).toHaveLength(1)
  expect(differences(whole, eventsOf([free(1)]), blind, true)).toHaveLength(1)
})
