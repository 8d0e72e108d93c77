import type { Recording } from '#events'
import { parseGfp, UsageError } from '#kernel'
import { listsOf, ROUTE_TYPES, type Route, type RouteRule } from '#policies'
import { Op, type Script } from '#record'
/** By row of a script: where a route sends its block. */
export const Way = {
  asUsual: 0,
  buddy: 1,
  /** And the next ones: lists that the route adds, in order. */
  firstList: 2,
} as const

/**
 * Where a route sends the block of each row. The script must know the events that its rows stem from.
 *
 * @throws UsageError where a rule names gfp flags that the recording kernel lacks
 */
export function waysOf(
  { events, machine }: Pick<Recording, 'events' | 'machine'>,
  script: Script,
  route: Route,
): Uint8Array {
  const { length, op, cpu, order, migratetype, source } = script
  if (source === undefined) throw new Error('a script without the sources of its rows')
  const version = machine.release?.rules ?? '6.1'
  const bitsOf = (names: readonly string[]): number =>
    names.reduce((bits, name) => {
      const { bits: own, unknown } = parseGfp(name, version)
      if (unknown.length > 0) throw new UsageError(`route ${route.id}: Linux ${version} has no ${name}`)
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
    processes: rule.process === undefined ? undefined : namesLike(events.strings, rule.process),
    way: wayOf(rule, lists),
  }))
  const gfpFlags = events.tables.mm_page_alloc.column.gfpFlags.data
  const ways = new Uint8Array(length)
  for (let row = 0; row < length; row++) {
    const isAlloc = op[row] === Op.alloc
    if (!isAlloc && op[row] !== Op.free) continue
    const at = source[row]!
    const gfp = isAlloc ? (gfpFlags[events.slot[at]!] as number) : 0
    const found = compiled.find(
      (rule) =>
        (isAlloc ? rule.onAlloc : rule.onFree) &&
        (gfp & rule.gfp) >>> 0 === rule.gfp >>> 0 &&
        (gfp & rule.gfpNone) === 0 &&
        rule.orders?.includes(order[row]!) !== false &&
        rule.types?.includes(migratetype[row]!) !== false &&
        rule.cpus?.includes(cpu[row]!) !== false &&
        rule.processes?.has(events.comm[at]!) !== false,
    )
    if (found !== undefined) ways[row] = found.way
  }
  return ways
}

const wayOf = ({ to }: RouteRule, lists: readonly string[]): number =>
  to === 'buddy' ? Way.buddy : Way.firstList + lists.indexOf(to.list)

/** Numbers of the texts that a name, or what stands before its `*`, matches. */
function namesLike(strings: Recording['events']['strings'], names: readonly string[]): ReadonlySet<number> {
  const found = new Set<number>()
  for (let number = 0; number < strings.size; number++) {
    const text = strings.get(number)
    if (names.some((name) => (name.endsWith('*') ? text?.startsWith(name.slice(0, -1)) : text === name)))
      found.add(number)
  }
  return found
}
