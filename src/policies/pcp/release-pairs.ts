import { factsOf, type Kernel, type KernelFacts, releases, versionOf } from '#kernel/releases'
import type { AnyDrainPolicy, AnyListPolicy } from './types.ts'

/** List rules and a drain mechanism that belong together, with what differs from the defaults of their parameters. */
export interface Pair {
  readonly lists: string
  readonly drain: string
  readonly params: Readonly<Record<string, number | boolean>>
}

type Parameters = Readonly<Record<string, number | boolean>>

/** What a release's facts say of the parameters of list rules and mechanisms. */
const parametersOf = ({
  thpLists,
  freeFactorMax,
  tickInBatches,
  drainInChunks,
  remoteDrains,
}: KernelFacts): Parameters => ({
  ...(thpLists === 0 ? {} : { thpLists }),
  freeFactorMax,
  tickInBatches,
  ...(remoteDrains ? { wholeCount: !drainInChunks } : {}),
})

/** The pair of a kernel. Policies of a user's own that a release file names count as well. */
export function pairOf(kernel: Kernel, lists: readonly AnyListPolicy[], drains: readonly AnyDrainPolicy[]): Pair {
  const facts = factsOf(kernel)
  const shapes = [lists.find(({ id }) => id === facts.lists), drains.find(({ id }) => id === facts.drain)]
  const defaults = Object.assign({}, ...shapes.map((policy) => policy?.params.safeParse({}).data ?? {}))
  const differing = Object.entries(parametersOf(facts)).filter(
    ([name, value]) => name in defaults && defaults[name] !== value,
  )
  return { lists: facts.lists, drain: facts.drain, params: Object.fromEntries(differing) }
}

/** `linux-6.12` → its pair, for every registered release at its newest stable level. */
export const releasePairs = (
  lists: readonly AnyListPolicy[],
  drains: readonly AnyDrainPolicy[],
): Readonly<Record<string, Pair>> =>
  Object.fromEntries(releases.map(({ version }) => [`linux-${version}`, pairOf(version, lists, drains)]))

/**
 * Id of a kernel's own policy: `pcp/linux-6.12`, and `pcp/linux-6.12{tickInBatches=false}` for a stable level that lacks a backport.
 */
export function ownIdOf(kernel: Kernel, lists: readonly AnyListPolicy[], drains: readonly AnyDrainPolicy[]): string {
  const version = versionOf(kernel)
  const newest = pairOf(version, lists, drains)
  const own = { ...parametersOf(factsOf(kernel)) }
  const usual = { ...parametersOf(factsOf(version)) }
  const shapes = [newest.lists, newest.drain].flatMap((id) =>
    Object.keys([...lists, ...drains].find((policy) => policy.id === id)?.params.shape ?? {}),
  )
  const differing = Object.entries(own).filter(([name, value]) => shapes.includes(name) && usual[name] !== value)
  const braces = differing.map(([name, value]) => `${name}=${value}`).join(',')
  return `pcp/linux-${version}${braces === '' ? '' : `{${braces}}`}`
}
