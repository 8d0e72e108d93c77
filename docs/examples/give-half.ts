import { allOrderLists, defineListPolicy, SweepOrder } from 'kreplay'
import { z } from 'zod'

/** Keeps up to `high` pages, then gives half of them back at once. */
export const lists = defineListPolicy({
  id: 'give-half',
  title: 'lists of order 0 to 3 and THP; half goes back at `high`',
  source: 'an example of ours; the nearest rule is nr_pcp_free(), mm/page_alloc.c, v6.12',
  leavesOut: 'reclaim pressure, and the expiry of remote nodes’ pages',
  params: z.object({
    high: z.int().min(2).max(1e7).default(512).meta({ unit: 'pages', help: 'Give half back at this count.' }),
    batch: z.int().min(1).max(1e5).default(63).meta({ unit: 'pages', help: 'Pages per refill.' }),
  }),
  sizes: ({ high, batch }) => ({ high, batch, highMin: high, highMax: high }),
  create: (_params, { machine }) => {
    const own = allOrderLists(machine.thpOrder)
    return {
      ...own,
      onAlloc: () => {},
      nrAlloc: ({ batch }, order) => Math.max(batch >> order, 1),
      nrFree: (pcp) => (pcp.count >= pcp.high ? pcp.count - (pcp.high >> 1) : 0),
      bulkOrder: () => new SweepOrder(own.lists),
    }
  },
})
