import { Ask, type Demand, type WhatIf } from '#events/demand'
import { parseGfp } from '#kernel'
import { UsageError } from '#kernel/messages'
import { versionOf } from '#kernel/releases'
import { listsOf, ROUTE_TYPES, type Route, type RouteRule } from '#policies/pcp'
/** By row of a demand: where a route sends its block. */
export const Way = {
  asUsual: 0,
  buddy: 1,
  /** And the next ones: lists that the route adds, in order. */
  firstList: 2,
} as const

/**
 * Where a route sends the block of each row. The demand must say which task asks, with which gfp flags.
 *
 * @throws UsageError where a rule names gfp flags that the recording kernel lacks
 */
export function waysOf({ demand, machine }: Pick<WhatIf, 'demand' | 'machine'>, route: Route): Uint8Array {
  const { length, ask, cpu, order, migratetype, task, gfpFlags } = demand
  const bitsOf = (names: readonly string[]): number =>
    names.reduce((bits, name) => {
      const { bits: own, unknown } = parseGfp(name, machine.release)
      if (unknown.length > 0)
        throw new UsageError(`route ${route.id}: Linux ${versionOf(machine.release)} has no ${name}`)
      return bits | own
    }, 0)
  const lists = listsOf(route)
  const compiled = route.rules.map((rule) => ({
    onAlloc: rule.on !== 'free',
    onFree: rule.on !== 'alloc' && rule.gfp === undefined && rule.gfpNone === undefined,
    gfp: bitsOf(rule.gfp ?? []),
    gfpNone: bitsOf(rule.gfpNone ?? []),
    orders: rule.order,
    types: rule.migratetype?.map((name) => ROUTE_TYPES.indexOf(name)),
    cpus: rule.cpu,
    tasks: rule.process === undefined ? undefined : tasksLike(demand, rule.process),
    way: wayOf(rule, lists),
  }))
  const ways = new Uint8Array(length)
  for (let row = 0; row < length; row++) {
    const isAlloc = ask[row] === Ask.alloc
    if (!isAlloc && ask[row] !== Ask.free) continue
    const gfp = gfpFlags[row]!
    const found = compiled.find(
      (rule) =>
        (isAlloc ? rule.onAlloc : rule.onFree) &&
        (gfp & rule.gfp) >>> 0 === rule.gfp >>> 0 &&
        (gfp & rule.gfpNone) === 0 &&
        rule.orders?.includes(order[row]!) !== false &&
        rule.types?.includes(migratetype[row]!) !== false &&
        rule.cpus?.includes(cpu[row]!) !== false &&
        rule.tasks?.has(task[row]!) !== false,
    )
    if (found !== undefined) ways[row] = found.way
  }
  return ways
}

const wayOf = ({ to }: RouteRule, lists: readonly string[]): number =>
  to === 'buddy' ? Way.buddy : Way.firstList + lists.indexOf(to.list)

/** Numbers of the tasks whose name, or what stands before its `*`, matches. */
const tasksLike = ({ tasks }: Demand, names: readonly string[]): ReadonlySet<number> =>
  new Set(
    [...tasks.keys()].filter((at) =>
      names.some((name) =>
        name.endsWith('*') ? tasks[at]!.comm.startsWith(name.slice(0, -1)) : tasks[at]!.comm === name,
      ),
    ),
  )
