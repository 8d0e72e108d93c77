import { didYouMean, UsageError } from '#kernel/messages'
import type { Comparison } from '#metrics'
import { familyOfAll } from './families/index.ts'

const comparisons: Record<string, (a: number, b: number) => boolean> = {
  '=': (a, b) => a === b,
  '<=': (a, b) => a <= b,
  '>=': (a, b) => a >= b,
  '<': (a, b) => a < b,
  '>': (a, b) => a > b,
}

export interface Expectation {
  readonly text: string
  readonly policy: string
  readonly field: string
  readonly sign: string
  readonly value: number
}

/** `"pcp/trylock:interruptions=0"`, checked before anything is read. */
export function parseExpectation(text: string, policies: readonly string[]): Expectation {
  const [, given, field, sign, value] = /^(.+):(\w+)(<=|>=|=|<|>)(\d+(?:\.\d+)?)$/.exec(text.trim()) ?? []
  if (given === undefined || field === undefined || sign === undefined)
    throw new UsageError(`--expect ${text}: not understood`, 'an example: --expect pcp/trylock:interruptions=0')
  const family = familyOfAll(policies)
  const policy = given.startsWith(`${family.id}/`) ? given : `${family.id}/${given}`
  if (!policies.includes(policy)) {
    const near = didYouMean(policy, policies)
    throw new UsageError(
      `--expect ${text}: no run of ${policy}`,
      near.length > 0 ? `did you mean ${near.join(' or ')}?` : `there are ${policies.join(', ')}`,
    )
  }
  if (!family.workFields.includes(field)) {
    const near = didYouMean(field, family.workFields)
    throw new UsageError(
      `--expect ${text}: a run has no count "${field}"`,
      near.length > 0 ? `did you mean ${near.join(' or ')}?` : `it has ${family.workFields.join(', ')}`,
    )
  }
  return { text, policy, field, sign, value: Number(value) }
}

/** What does not hold, in every run of the policy. */
export function unmet({ policy, field, sign, value }: Expectation, { runs }: Comparison): string[] {
  return runs
    .filter((run) => run.policy === policy)
    .map(({ capture, work }) => ({ capture, found: (work as Readonly<Record<string, number>>)[field]! }))
    .filter(({ found }) => !comparisons[sign]!(found, value))
    .map(({ capture, found }) => `${capture}, ${policy}: ${field} is ${found}, expected ${sign} ${value}`)
}
