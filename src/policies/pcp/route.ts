import { z } from 'zod'
import { KNOWN_VERSIONS, parseGfp } from '#kernel'
import type { BulkOrder, ListRules } from './types.ts'

const anyOf = <T extends z.ZodType>(item: T) => z.array(item).min(1).optional()
const gfpName = z
  .string()
  .refine((name) => KNOWN_VERSIONS.some((version) => parseGfp(name, version).unknown.length === 0), {
    error: ({ input }) => `"${String(input)}" is no gfp flag of any known kernel`,
  })

/** Types by their number. */
export const ROUTE_TYPES = ['unmovable', 'movable', 'reclaimable'] as const

const rule = z
  .strictObject({
    on: z.enum(['alloc', 'free']).optional().meta({ help: 'Only allocations, or only frees. Default: both.' }),
    gfp: anyOf(gfpName).meta({ help: 'All bits of all of these are set. Allocations only: a free has no flags.' }),
    gfpNone: anyOf(gfpName).meta({ help: 'No bit of any of these is set. Allocations only.' }),
    order: anyOf(z.int().min(0).max(31)),
    migratetype: anyOf(z.enum(ROUTE_TYPES)).meta({
      help: 'As requested; of a free: of its pageblock. Blocks that bypass the lists have none.',
    }),
    cpu: anyOf(z.int().min(0).max(65_535)).meta({ help: 'That allocates or frees.' }),
    process: anyOf(z.string().min(1)).meta({ help: 'Name of the task; `kworker/*` for all that begin so.' }),
    to: z
      .union([z.literal('buddy'), z.strictObject({ list: z.string().min(1).max(64) })], {
        error: '`to` is "buddy" or {"list": NAME}',
      })
      .meta({
        help: 'buddy: skip the lists. {list}: lists of that name beside the usual ones, one by order and type, of the same pageset and limits.',
      }),
  })
  .refine(({ on, gfp, gfpNone }) => on !== 'free' || (gfp ?? gfpNone) === undefined, {
    error: 'a free has no gfp flags, so this rule never holds',
  })

/** Where blocks go that a rule names, instead of the lists of the policy: the first rule that holds decides. */
export const routeSchema = z.strictObject({
  schema: z.literal('kreplay.route/1'),
  id: z.string().regex(/^[a-z0-9][a-z0-9.-]*$/, 'lower-case letters, digits, dots and dashes'),
  rules: z.array(rule).min(1).max(1000),
})
export type Route = z.infer<typeof routeSchema>
export type RouteRule = Route['rules'][number]

/** Names of the lists that a route adds, in order of mention. */
export const listsOf = ({ rules }: Route): string[] => [
  ...new Set(rules.flatMap(({ to }) => (to === 'buddy' ? [] : [to.list]))),
]

/** List rules with `more` further sets of the same lists. A bulk free empties the set just freed to, then the next one. */
export function withMoreLists(rules: ListRules, more: number): ListRules {
  if (more === 0) return rules
  const { lists } = rules
  return {
    ...rules,
    lists: lists * (1 + more),
    orderOf: (list) => rules.orderOf(list % lists),
    bulkOrder: () => new SetOrder(rules.bulkOrder(), lists, 1 + more),
  }
}

class SetOrder implements BulkOrder {
  readonly #within: BulkOrder
  readonly #lists: number
  readonly #sets: number
  #set = 0

  constructor(within: BulkOrder, lists: number, sets: number) {
    this.#within = within
    this.#lists = lists
    this.#sets = sets
  }

  begin(n: number, list: number): void {
    this.#set = Math.trunc(list / this.#lists)
    this.#within.begin(n, list % this.#lists)
  }

  next(lens: Int32Array, base: number, left: number): number {
    let first = this.#set * this.#lists
    while (this.#isEmpty(lens, base + first)) {
      this.#set = (this.#set + 1) % this.#sets
      first = this.#set * this.#lists
      this.#within.begin(left, 0)
    }
    return first + this.#within.next(lens, base + first, left)
  }

  #isEmpty(lens: Int32Array, from: number): boolean {
    for (let list = from; list < from + this.#lists; list++) if (lens[list]! > 0) return false
    return true
  }
}
