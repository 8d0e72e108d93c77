import { noDrain, noIsolated, rcuSwap, spinlock, trylock, workDrain } from './drains.ts'
import { fixed, infinite, none } from './fixed.ts'
import { linux510 } from './linux-5.10.ts'
import { linux61 } from './linux-6.1.ts'
import { linux72, linux612 } from './linux-6.12.ts'
import type { AnyDrainPolicy, AnyListPolicy } from './types.ts'

/** The whole registration: a policy's file, named here. */
export const listPolicies = [
  linux510,
  linux61,
  linux612,
  linux72,
  fixed,
  infinite,
  none,
] as unknown as readonly AnyListPolicy[]
export const drainPolicies = [
  workDrain,
  rcuSwap,
  spinlock,
  trylock,
  noIsolated,
  noDrain,
] as unknown as readonly AnyDrainPolicy[]

/** A release is a pair. */
export const pairs: Readonly<Record<string, readonly [lists: string, drain: string]>> = {
  'linux-5.10': ['linux-5.10', 'work'],
  'linux-6.1': ['linux-6.1', 'trylock'],
  'linux-6.12': ['linux-6.12', 'trylock'],
  'linux-7.2': ['linux-7.2', 'trylock'],
  fixed: ['fixed', 'trylock'],
  infinite: ['infinite', 'none'],
  none: ['none', 'none'],
}

export { allOrderLists, orderZeroLists, Quota, QuotaOrder, SweepOrder } from './lists.ts'
export { listsOf, ROUTE_TYPES, type Route, type RouteRule, routeSchema, withMoreLists } from './route.ts'
export { sizes61, sizes510, sizesTuned, zoneBatchsize } from './sizes.ts'
export * from './types.ts'
