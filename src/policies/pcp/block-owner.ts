import { z } from 'zod'
import { batchAndHalfHighMin, batchOf, clampedHigh, tunedParams, tunedRules, tunedSizesOf } from './linux-6.12.ts'
import { defineListPolicy, MIGRATE_PCPTYPES, PAGE_ALLOC_COSTLY_ORDER, type Pcp } from './types.ts'

const params = tunedParams({ thpLists: 2, tickInBatches: true })
  .omit({ thpLists: true })
  .extend({
    frees: z.enum(['owner', 'local']).default('owner').meta({
      help: 'owner: a freed page goes to the lists of the CPU that owns its pageblock. local: to those of the CPU that frees, and buddies merge wherever both lie on its lists: the smaller change that Zi Yan asked about on 3 Apr 2026.',
    }),
    room: z.enum(['high', 'any']).default('high').meta({
      help: 'A refill takes a whole pageblock only where it fits under `high`: what lies above, the next free would give back. any: always, as the mail can be read.',
    }),
    parts: z.enum(['wanted', 'largest']).default('wanted').meta({
      help: 'Parts of a pageblock that a refill takes: as large as it still wants, so that they fit under `high` too; largest: as large as it finds.',
    }),
    steals: z.enum(['rest', 'nothing-else']).default('rest').meta({
      help: 'When a refill takes pages of another migratetype: for the rest of what it wants, as rmqueue_bulk() does; nothing-else: only to have anything at all.',
    }),
    givesBack: z.enum(['fitting', 'largest']).default('fitting').meta({
      help: 'What goes first: the largest blocks within what the rules give back, so that no more goes; largest: the largest of all, which may be a pageblock for one page too many.',
    }),
  })

/** CPUs own pageblocks; frees come home to the owner’s lists, and buddies merge there before zone->lock is taken. */
export const blockOwner = defineListPolicy({
  id: 'block-owner',
  title: 'CPUs own pageblocks: refills in four phases, frees to the owner, merging on its lists; limits as 7.2',
  source:
    'Johannes Weiner, "[RFC 0/2] mm: page_alloc: pcp buddy allocator", 3 Apr 2026, and its review by Rik van Riel, Zi Yan and Frank van der Linden; limits: nr_pcp_alloc(), nr_pcp_high(), nr_pcp_free(), mm/page_alloc.c, v7.2',
  leavesOut:
    'CMA; collisions of two CPUs that both hold a list’s lock for nanoseconds; one lock for several frees of a batch; what the mail does not say is a parameter, and more besides: a merged block goes to the tail, an owned block of which a drain left parts waits in turn, and a pageblock is owned until it is whole in the zone again',
  sharesLists: true,
  params,
  sizes: tunedSizesOf,
  create: ({ frees, room, parts, steals, givesBack, tickInBatches }, context) => {
    const { pageblockOrder: top, thpOrder } = context.machine
    const blockPages = 1 << top
    return {
      ...tunedRules(context, { eagerness: batchAndHalfHighMin, freeChunk: batchOf }, { thpLists: 2, tickInBatches }),
      lists: MIGRATE_PCPTYPES * (top + 1),
      allowed: (order) => order <= Math.min(PAGE_ALLOC_COSTLY_ORDER, top) || (order === thpOrder && order <= top),
      listOf: (order, migratetype) => order * MIGRATE_PCPTYPES + migratetype,
      orderOf: (list) => Math.trunc(list / MIGRATE_PCPTYPES),
      blocks: {
        top,
        frees,
        claims: room === 'any' ? () => true : (pcp: Pcp, got) => pcp.count + got + blockPages <= clampedHigh(pcp),
        parts,
        steals,
        givesBack,
      },
    }
  },
})
