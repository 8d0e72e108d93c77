import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parseScenario } from './scenario-file.ts'
import { sweepJsonSchema } from './scenario-schema.ts'

const errorOf = (text: string): string => {
  try {
    parseScenario(text, 's.yaml')
  } catch (error) {
    return (error as Error).message.split('\n')[0]!
  }
  return 'none'
}

test('YAML and JSON say the same', () => {
  const yaml =
    'captures: [a, b]\npolicies:\n  - pcp/trylock\n  - id: pcp/fixed\n    set: { high: 0..64 step 8, batch: [15, 31] }\n'
  const json =
    '{"captures": ["a", "b"], "policies": ["pcp/trylock", {"id": "pcp/fixed", "set": {"high": "0..64 step 8", "batch": [15, 31]}}]}'
  expect(parseScenario(yaml, 's.yaml')).toEqual(parseScenario(json, 's.json'))
})

test('an error says in which line and column', () => {
  for (const [text, message] of [
    ['captures: [a]\npolicys: [x]\n', 's.yaml, line 2, column 1: policys: there is no field of this name'],
    ['captures: [a]\npolicies: [x]\npolicys: 1\n', 's.yaml, line 3, column 1: policys: there is no field of this name'],
    [
      'captures: [a]\npolicies:\n  - id: p\n    set:\n      high: 9..1\n',
      's.yaml, line 5, column 13: policies.0.set.high: "9..1" ends (1) before it begins (9)',
    ],
    ['captures: []\npolicies: [x]\n', 's.yaml, line 1, column 11: captures: must have at least 1 entries'],
    ['captures: [a]\npolicies: [x]\nseeds: [-1]\n', 's.yaml, line 3, column 9: seeds.0: must be at least 0'],
    ['captures: [a]\npolicies: [x\n', 's.yaml, line 3, column 1: this is no YAML:'],
    [
      'captures: [{path: a, sha256: 12}]\npolicies: [x]\n',
      's.yaml, line 1, column 30: captures.0.sha256: must be a text',
    ],
    ['a: &a [1,1]\nb: &b [*a,*a]\n'.padEnd(30), 's.yaml, line 1'],
  ])
    expect(errorOf(text!)).toContain(message)
})

test('aliases that unfold without end are refused', () => {
  const lines = Array.from({ length: 12 }, (_, at) =>
    at === 0
      ? 'a0: &a0 [x, x, x, x, x, x, x, x]'
      : `a${at}: &a${at} [${Array(8)
          .fill(`*a${at - 1}`)
          .join(', ')}]`,
  )
  expect(errorOf(lines.join('\n'))).toContain('Excessive alias count')
})

test('docs/sweep.schema.json is what editors get', () => {
  expect(JSON.parse(readFileSync('docs/sweep.schema.json', 'utf8'))).toEqual(sweepJsonSchema())
})
