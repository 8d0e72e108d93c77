import { z } from 'zod'
import { allOrderLists, pmdThp, SweepOrder } from './lists.ts'
import { sizes61 } from './sizes.ts'
import { defineListPolicy } from './types.ts'

/** Pages: more than any machine has, and still a count. */
const UNLIMITED = 2 ** 31 - 1

const params = z.object({
  high: z.int().min(1).max(1e7).default(512).meta({ unit: 'pages', help: 'Give one batch back at this count.' }),
  batch: z.int().min(1).max(1e5).default(63).meta({ unit: 'pages', help: 'Pages per refill and per bulk free.' }),
})

/** Lists of fixed size: a baseline of ours. */
export const fixed = defineListPolicy({
  id: 'fixed',
  title: 'lists of order 0 to 3 and THP with a fixed `high` and `batch`',
  source: 'a baseline of ours; no kernel has it. The nearest is v6.1 with free_factor off',
  leavesOut: 'reclaim pressure',
  params,
  sizes: ({ high, batch }) => ({ high, batch, highMin: high, highMax: high }),
  create: (_params, { machine }) => {
    const lists = allOrderLists(pmdThp(machine))
    return {
      ...lists,
      onAlloc: () => {},
      nrAlloc: ({ batch }, order) => Math.max(batch >> order, 1),
      nrFree: (pcp) => (pcp.count >= pcp.high ? Math.min(pcp.batch, pcp.count) : 0),
      bulkOrder: () => new SweepOrder(lists.lists),
    }
  },
})

const infiniteParams = z.object({
  batch: z.int().min(1).max(1e5).default(63).meta({
    unit: 'pages',
    help: 'Pages per refill. 1: none is fetched in vain, so the fewest move; more: the fewest refills of that size.',
  }),
})

/** Lists that never give anything back: what they could save at most, and what that would hoard. */
export const infinite = defineListPolicy({
  id: 'infinite',
  title: 'lists without limit: nothing goes back to the buddy but on request',
  source: 'a bound of ours; no kernel has it',
  leavesOut: 'that memory is finite: where the buddy has no page left, one is borrowed and counted',
  isBound: true,
  params: infiniteParams,
  sizes: ({ batch }) => ({ batch, high: UNLIMITED, highMin: UNLIMITED, highMax: UNLIMITED }),
  create: (_params, { machine }) => {
    const lists = allOrderLists(pmdThp(machine))
    return {
      ...lists,
      onAlloc: () => {},
      nrAlloc: ({ batch }, order) => Math.max(batch >> order, 1),
      nrFree: () => 0,
      bulkOrder: () => new SweepOrder(lists.lists),
    }
  },
})

/** No lists: every allocation and free takes zone->lock. */
export const none = defineListPolicy({
  id: 'none',
  title: 'no per-CPU lists: every operation takes zone->lock',
  source: 'a bound of ours; suggested for NOHZ_FULL CPUs by Vlastimil Babka, Nov 2021',
  leavesOut: 'nothing',
  isBound: true,
  params: z.object({}),
  sizes: (_params, context) => ({ ...sizes61(context), high: 0 }),
  create: (_params, { machine }) => {
    const lists = allOrderLists(pmdThp(machine))
    return {
      ...lists,
      allowed: () => false,
      onAlloc: () => {},
      nrAlloc: () => 1,
      nrFree: () => 0,
      bulkOrder: () => new SweepOrder(lists.lists),
    }
  },
})
