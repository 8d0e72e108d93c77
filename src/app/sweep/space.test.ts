import { expect, test } from 'vitest'
import { shipped } from '#policies'
import { type Choice, spaceOf } from './space.ts'

const of = (given: Partial<Parameters<typeof spaceOf>[0]>) =>
  spaceOf({ policies: [], set: {}, assumptions: {}, baseline: undefined, ...given }, shipped)
const ids = (choices: readonly Choice[]) => choices.map(({ id }) => id)

test('every combination is a choice, and two spellings of one are one', () => {
  const { choices, baseline } = of({
    policies: [
      'pcp/linux-5.10',
      { id: 'pcp/fixed', set: { high: '100..200 step 100', batch: [15, 31] } },
      'pcp/fixed{high=100,batch=15}',
    ],
  })
  expect(baseline).toBe('pcp/linux-5.10')
  expect(ids(choices)).toEqual([
    'pcp/linux-5.10',
    'pcp/fixed{batch=15,high=100}',
    'pcp/fixed{batch=31,high=100}',
    'pcp/fixed{batch=15,high=200}',
    'pcp/fixed{batch=31,high=200}',
  ])
})

test('`set` is for the policies that have the parameter, braces win', () => {
  expect(
    ids(of({ policies: ['pcp/work', 'pcp/trylock', 'pcp/work{workDelayNs=5}'], set: { workDelayNs: [1, 2] } }).choices),
  ).toEqual(['pcp/work{workDelayNs=1}', 'pcp/work{workDelayNs=2}', 'pcp/trylock', 'pcp/work{workDelayNs=5}'])
})

test('an assumed input makes runs of its own, which are no candidates', () => {
  const { choices } = of({ policies: ['pcp/trylock', 'pcp/work'], assumptions: { workDelayNs: '10..1000 log 3' } })
  expect(choices.filter(({ assumed }) => assumed === undefined).map(({ id }) => id)).toEqual([
    'pcp/trylock',
    'pcp/work',
  ])
  expect(choices.filter(({ assumed }) => assumed !== undefined)).toEqual(
    [10, 100, 1000].map((value) => ({
      id: `pcp/work{workDelayNs=${value}}`,
      assumed: { param: 'workDelayNs', value },
      of: 'pcp/work',
    })),
  )
})

test('what no policy has, and what is out of bounds, is refused before anything runs', () => {
  expect(() => of({ policies: ['pcp/trylock'], set: { hihg: 1 } })).toThrow('hihg')
  expect(() => of({ policies: [{ id: 'pcp/fixed', set: { heigh: 1 } }] })).toThrow('no parameter "heigh"')
  expect(() => of({ policies: [{ id: 'pcp/fixed', set: { high: [-5] } }] })).toThrow('high=-5')
  expect(() => of({ policies: ['pcp/work', 'kvfree/call-rcu'] })).toThrow('decide different things')
  expect(() => of({ policies: ['pcp/work'], baseline: 'pcp/trylock' })).toThrow('not among the policies')
})
