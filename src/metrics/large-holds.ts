import { z } from 'zod'

/**
 * Pages that one hold of zone->lock may move before it is called large: a usual batch, sizes that prices are published for (Huang Ying, 20 Sep
 * 2023), and what Joshua Hahn saw on large machines (18 Aug 2025).
 */
const LIMITS = [63, 255, 1023, 2000]

export const largeHoldsSchema = z.array(
  z.object({
    over: z.number().meta({
      unit: 'pages',
      help: 'Threshold: more pages than this in one bulk free or refill. A kernel that frees in batches may release zone->lock between batches.',
    }),
    bulkFrees: z.number(),
    refills: z.number(),
  }),
)

/** How many holds moved more pages than each limit. `sizes`: how often each size happened. */
export function largeHolds(
  bulkFrees: Iterable<readonly [pages: number, times: number]>,
  refills: Iterable<readonly [pages: number, times: number]>,
): z.infer<typeof largeHoldsSchema> {
  const [freed, fetched] = [[...bulkFrees], [...refills]]
  const over = (sizes: readonly (readonly [number, number])[], limit: number): number =>
    sizes.reduce((sum, [pages, times]) => sum + (pages > limit ? times : 0), 0)
  return LIMITS.map((limit) => ({ over: limit, bulkFrees: over(freed, limit), refills: over(fetched, limit) }))
}
