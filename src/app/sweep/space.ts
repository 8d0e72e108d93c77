import { UsageError } from '#kernel/messages'
import type { Catalogue, ParamValue } from '#policies'
import { type Family, familyOfAll, policyIds } from '../families/index.ts'
import { idWith, partsOfId } from './ids.ts'
import { expanded } from './ranges.ts'
import type { SweepScenario } from './scenario-schema.ts'

/** One policy with its parameters. */
export interface Choice {
  /** With all that is set in its braces, in alphabetical order. */
  readonly id: string
  /** Of a run whose assumed input is another than the policy's own: which. Such runs are no candidates. */
  readonly assumed?: { readonly param: string; readonly value: ParamValue }
  /** Of such a run: the choice that it varies. */
  readonly of?: string
}

export interface Space {
  readonly family: Family
  readonly choices: readonly Choice[]
  /** Id of the choice that the others are compared with. */
  readonly baseline: string
}

type Settings = SweepScenario['set']

/** More choices than any machine would get through. */
const MOST_CHOICES = 1_000_000

/** Every combination of the values of `settings`, in order: the last name varies fastest. */
export function combinations(settings: Settings): Record<string, ParamValue>[] {
  let all: Record<string, ParamValue>[] = [{}]
  for (const [name, given] of Object.entries(settings)) {
    const values = expanded(given)
    if (typeof values === 'string') throw new UsageError(`${name}: ${values}`)
    if (all.length * values.length > MOST_CHOICES)
      throw new UsageError(`the parameters have more than ${MOST_CHOICES} combinations`)
    all = all.flatMap((one) => values.map((value) => ({ ...one, [name]: value })))
  }
  return all
}

/** Of `settings`, what a policy has as a parameter and its id does not set. */
const ownOf = (settings: Settings, id: string, names: readonly string[]): Settings => {
  const { params } = partsOfId(id)
  return Object.fromEntries(
    Object.entries(settings).filter(([name]) => names.includes(name) && !Object.hasOwn(params, name)),
  )
}

type SpaceOf = Pick<SweepScenario, 'policies' | 'set' | 'assumptions' | 'baseline'>

/**
 * Every policy of a scenario with every combination of its parameters, each once, then its runs with other assumed inputs.
 *
 * @throws UsageError for an unknown policy, a parameter that none of them has, or a value out of bounds
 */
export function spaceOf(scenario: SpaceOf, catalogue: Catalogue): Space {
  const given = scenario.policies.map((one) => (typeof one === 'string' ? { id: one, set: {} as Settings } : one))
  const family = familyOfAll(given.map(({ id }) => id))
  const firsts = combinations({ ...scenario.set, ...scenario.assumptions })[0]!
  policyIds([...new Set(given.map(({ id }) => id))], firsts, catalogue)
  const choices = new Map<string, Choice>()
  const varied = new Map<string, Choice>()
  for (const { id: written, set } of given) {
    const id = family.policyId(written, {}, catalogue)
    const names = family.paramNamesOf(id, catalogue)
    const stray = Object.keys(set).find((name) => !names.includes(name))
    if (stray !== undefined)
      throw new UsageError(`${id} has no parameter "${stray}"`, `it has ${[...new Set(names)].join(', ') || 'none'}`)
    for (const params of combinations({ ...ownOf(scenario.set, id, names), ...set })) {
      const choice = idWith(id, params)
      family.policyId(choice, {}, catalogue)
      choices.set(choice, { id: choice })
      for (const [param, range] of Object.entries(ownOf(scenario.assumptions, choice, names)))
        for (const value of expanded(range) as readonly ParamValue[]) {
          const other = idWith(choice, { [param]: value })
          family.policyId(other, {}, catalogue)
          varied.set(other, { id: other, assumed: { param, value }, of: choice })
        }
    }
    if (choices.size > MOST_CHOICES) throw new UsageError(`there are more than ${MOST_CHOICES} choices`)
  }
  const all = [...choices.values(), ...[...varied.values()].filter(({ id }) => !choices.has(id))]
  const baseline =
    scenario.baseline === undefined ? all[0]!.id : idWith(family.policyId(scenario.baseline, {}, catalogue))
  if (!choices.has(baseline))
    throw new UsageError(`the baseline ${baseline} is not among the policies`, 'add it to `policies`')
  return { family, choices: all, baseline }
}
