import { didYouMean, UsageError } from '#kernel/messages'
import { type Catalogue, choosePcp, pcpIds } from '#policies'
import { chunkParams, pairs } from '#policies/pcp'
import { type Parameter, parametersOf } from './parameters.ts'
import { catalogueWith } from './policy-file.ts'

interface Part {
  readonly id: string
  readonly part: string
  readonly title: string
  readonly source: string
  readonly leavesOut: string
  readonly parameters: readonly Parameter[]
}

/** Releases with their pairs, and the parts that policies are made of. */
export interface PolicyList {
  readonly releases: readonly { readonly id: string; readonly lists: string; readonly drain: string }[]
  readonly parts: readonly Part[]
  /** Parameters that any list rules take beside their own. */
  readonly ofAnyLists: readonly Parameter[]
}

function allParts(catalogue: Catalogue): Part[] {
  return [
    ...catalogue.lists.map((policy) => ({ family: 'pcp', part: 'lists', ...policy })),
    ...catalogue.drains.map((policy) => ({ family: 'pcp', part: 'drain', ...policy })),
    ...catalogue.kvfree.map((policy) => ({ family: 'kvfree', part: 'policy', ...policy })),
    ...catalogue.accept.map((policy) => ({ family: 'accept', part: 'policy', ...policy })),
    ...catalogue.slab.map((policy) => ({ family: 'slab', part: 'policy', ...policy })),
  ].map(({ family, part, id, title, source, leavesOut, params }) => ({
    id: `${family}/${id}`,
    part,
    title,
    source,
    leavesOut,
    parameters: parametersOf(params),
  }))
}

/** `pcp/linux-6.1+rcu-swap` → the ids of its two parts. */
function partsOf(name: string, catalogue: Catalogue): { lists: string; drain: string } {
  const { lists, drain } = choosePcp(name, undefined, {}, catalogue)
  return { lists: `pcp/${lists.id}`, drain: `pcp/${drain.id}` }
}

/**
 * The catalogue with the policies of these files; with an id, the parts of that policy alone.
 *
 * @throws UsageError for an unknown id
 */
export async function policyList(id: string | undefined, files: readonly string[]): Promise<PolicyList> {
  const catalogue = await catalogueWith(files)
  const all = allParts(catalogue)
  const releases = Object.entries(pairs).map(([release, { lists, drain }]) => ({
    id: `pcp/${release}`,
    lists: `pcp/${lists}`,
    drain: `pcp/${drain}`,
  }))
  const ofAnyLists = parametersOf(chunkParams)
  if (id === undefined) return { releases, parts: all, ofAnyLists }
  const name = id.includes('/') ? id : `pcp/${id}`
  const pair = name.includes('+') ? partsOf(name, catalogue) : releases.find((release) => release.id === name)
  const parts = all.filter(
    (part) =>
      part.id === name ||
      (part.part === 'lists' && part.id === pair?.lists) ||
      (part.part === 'drain' && part.id === pair?.drain),
  )
  if (parts.length > 0) return { releases, parts, ofAnyLists }
  const known = [...new Set([...pcpIds(catalogue), ...all.map((part) => part.id)])]
  const near = didYouMean(name, known)
  throw new UsageError(
    `unknown policy "${name}"`,
    near.length > 0 ? `did you mean ${near.join(' or ')}?` : `known: ${known.join(', ')}`,
  )
}
