import { didYouMean, UsageError } from '#kernel/messages'
import type { Catalogue } from '#policies'
import { accept } from './accept.ts'
import type { Family, Settings } from './family.ts'
import { kvfree } from './kvfree.ts'
import { pcp } from './pcp.ts'
import { slab } from './slab.ts'

const families: readonly Family[] = [pcp, kvfree, accept, slab]

/** An id without a family in front means page lists, which were here first. */
const familyOf = (id: string): Family =>
  families.find((family) => id.trim().startsWith(`${family.id}/`)) ?? families[0]!

/**
 * The family that all policies are of.
 *
 * @throws UsageError where they are of several
 */
export function familyOfAll(policies: readonly string[]): Family {
  const family = familyOf(policies[0] ?? '')
  const other = policies.find((id) => familyOf(id) !== family)
  if (other !== undefined)
    throw new UsageError(
      `${policies[0]} and ${other} decide different things and cannot be compared`,
      'compare policies of one family at a time',
    )
  return family
}

/** Every `--set` name must mean something to a policy that is compared. */
function checkSet(family: Family, policies: readonly string[], set: Settings, catalogue: Catalogue): void {
  const names = Object.keys(set)
  if (names.length === 0) return
  const all = [...new Set(family.paramNames(catalogue))]
  const chosen = new Set(policies.flatMap((id) => family.paramNamesOf(id, catalogue)))
  for (const name of names) {
    if (chosen.has(name)) continue
    if (all.includes(name)) {
      const theirs = [...chosen].filter((one) => one !== 'route').join(', ') || 'none'
      throw new UsageError(`none of the policies compared has a parameter "${name}"`, `they have ${theirs}`)
    }
    const near = didYouMean(name, all)
    throw new UsageError(
      `no ${family.id} policy has a parameter "${name}"`,
      near.length > 0 ? `did you mean ${near.join(' or ')}?` : `known: ${all.join(', ')}`,
    )
  }
}

/** The ids as runs will have them, checked before anything is read. */
export function policyIds(policies: readonly string[], set: Settings, catalogue: Catalogue): string[] {
  const family = familyOfAll(policies)
  const ids = policies.map((id) => family.policyId(id, set, catalogue))
  checkSet(family, policies, set, catalogue)
  const twice = ids.find((id, at) => ids.indexOf(id) !== at)
  if (twice !== undefined)
    throw new UsageError(`${twice} is named twice`, 'give one of them other parameters: pcp/fixed{high=100}')
  return ids
}

export type { ComparisonSettings, EngineListener, Family, Settings } from './family.ts'
