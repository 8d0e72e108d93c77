/** The face of policies/pcp: list rules and drain mechanisms of per-CPU page lists, one file each. */
import type { Kernel } from '#kernel/releases'
import { blockOwner } from './block-owner.ts'
import { noDrain, noIsolated, rcuSwap, spinlock, trylock, workDrain } from './drains.ts'
import { fixed, infinite, none } from './fixed.ts'
import { linux510 } from './linux-5.10.ts'
import { linux514 } from './linux-5.14.ts'
import { linux60, linux61, linux518 } from './linux-6.1.ts'
import { linux67, linux72, linux612, linux616, linux619 } from './linux-6.12.ts'
import { ownIdOf, type Pair, pairOf, releasePairs } from './release-pairs.ts'
import type { AnyDrainPolicy, AnyListPolicy } from './types.ts'

/** List rules that ship: registered by naming them here. */
export const listPolicies = [
  linux510,
  linux514,
  linux518,
  linux60,
  linux61,
  linux67,
  linux612,
  linux616,
  linux619,
  linux72,
  blockOwner,
  fixed,
  infinite,
  none,
] as unknown as readonly AnyListPolicy[]
/** Drain mechanisms that ship. */
export const drainPolicies = [
  workDrain,
  rcuSwap,
  spinlock,
  trylock,
  noIsolated,
  noDrain,
] as unknown as readonly AnyDrainPolicy[]

/** Policies that stand for list rules and a drain mechanism: one for each release, and baselines of ours. */
export const pairs: Readonly<Record<string, Pair>> = {
  ...releasePairs(listPolicies, drainPolicies),
  'block-owner': { lists: 'block-owner', drain: 'trylock', params: {} },
  fixed: { lists: 'fixed', drain: 'trylock', params: {} },
  infinite: { lists: 'infinite', drain: 'none', params: {} },
  none: { lists: 'none', drain: 'none', params: {} },
}

/** Id of the policy that a kernel itself follows. */
export const ownPcpId = (kernel: Kernel): string => ownIdOf(kernel, listPolicies, drainPolicies)

export { chunkParams } from './chunks.ts'
export { allOrderLists, Quota, SweepOrder } from './lists.ts'
export { listsOf, ROUTE_TYPES, type Route, type RouteRule, routeSchema, withMoreLists } from './route.ts'
export { highFraction, zoneBatchsize } from './sizes.ts'
export * from './types.ts'
export { type Pair, pairOf }
