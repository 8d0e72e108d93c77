import { expect, test } from 'vitest'
import { leadAndRest } from './common.ts'

test('a finding leads with its first sentence; versions and decimals end none', () => {
  expect(leadAndRest('On a-6.1, kvfree/x: 1.5 MiB. By wait it is not settled. More.')).toEqual([
    'On a-6.1, kvfree/x: 1.5 MiB.',
    'By wait it is not settled. More.',
  ])
  expect(leadAndRest('One sentence.')).toEqual(['One sentence.'])
  expect(leadAndRest('')).toEqual([''])
})
