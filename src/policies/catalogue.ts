import { UsageError } from '#kernel/messages'
import { type AnyAcceptPolicy, acceptPolicies } from './accept/index.ts'
import { type AnyKvfreePolicy, kvfreePolicies } from './kvfree/index.ts'
import { type AnyDrainPolicy, type AnyListPolicy, drainPolicies, listPolicies, type Route } from './pcp/index.ts'
import { type AnySlabPolicy, slabPolicies } from './slab/index.ts'

/** The policies that ids may name, part by part. */
export interface Catalogue {
  /** List rules and drain mechanisms: the two parts of a `pcp/` policy. */
  readonly lists: readonly AnyListPolicy[]
  readonly drains: readonly AnyDrainPolicy[]
  readonly kvfree: readonly AnyKvfreePolicy[]
  readonly accept: readonly AnyAcceptPolicy[]
  readonly slab: readonly AnySlabPolicy[]
  /** What `{route=ID}` of a `pcp/` policy may name. None ships. */
  readonly routes?: readonly Route[]
}

/** The policies that ship, part by part. */
export const shipped: Omit<Catalogue, 'routes'> = {
  lists: listPolicies,
  drains: drainPolicies,
  kvfree: kvfreePolicies,
  accept: acceptPolicies,
  slab: slabPolicies,
}

export type CataloguePart = keyof typeof shipped
export const catalogueParts = Object.keys(shipped) as readonly CataloguePart[]

/**
 * What ships and a user's own.
 *
 * @throws UsageError where an id of theirs is taken
 */
export function extended(own: Partial<Catalogue>): Catalogue {
  const part = <P extends { readonly id: string }>(ships: readonly P[], theirs: readonly P[] = []): P[] => {
    const all = [...ships, ...theirs]
    const taken = all.find(({ id }, at) => all.findIndex((one) => one.id === id) !== at)
    if (taken !== undefined)
      throw new UsageError(`a policy "${taken.id}" exists already`, 'give yours another id, or a parameter of its own')
    return all
  }
  return {
    lists: part(shipped.lists, own.lists),
    drains: part(shipped.drains, own.drains),
    kvfree: part(shipped.kvfree, own.kvfree),
    accept: part(shipped.accept, own.accept),
    slab: part(shipped.slab, own.slab),
  }
}
