import { z } from 'zod'
import type { AnyListPolicy, ListRules } from './types.ts'

/**
 * Parameters that all list rules take. Chunks: Joshua Hahn, "mm/page_alloc: Batch page freeing in free_frozen_page_commit", v3, 2 Oct 2025, in
 * 6.19. Letting go where somebody waits: his "mm/page_alloc: Occasionally relinquish zone lock in batch freeing", 18 Aug 2025.
 */
export const chunkParams = z.object({
  chunk: z.int().min(1).max(1e7).optional().meta({
    unit: 'pages',
    help: 'At most so many pages per hold of zone->lock, whatever they are given back for. Default: as the rules and the drain mechanism have it.',
  }),
  letGo: z.enum(['always', 'contended']).optional().meta({
    help: 'When zone->lock is let go between chunks: always, or only where somebody waits for it. Default: always.',
  }),
})

type Chunks = z.infer<typeof chunkParams>

/** List rules with these parameters beside their own. A policy’s own parameter of that name stays what it is. */
export function inChunks(policy: AnyListPolicy): AnyListPolicy {
  const own = Object.keys(policy.params.shape)
  if ('chunk' in policy.params.shape || 'letGo' in policy.params.shape) return policy
  return {
    ...policy,
    params: policy.params.extend(chunkParams.shape),
    create: (given, context) => {
      const { chunk, letGo } = given as Chunks
      const params = Object.fromEntries(Object.entries(given).filter(([name]) => own.includes(name)))
      return chunked(policy.create(params as never, context), { chunk, letGo })
    },
  }
}

function chunked(rules: ListRules, { chunk, letGo }: Chunks): ListRules {
  const ofPages = () => chunk!
  return {
    ...rules,
    ...(chunk === undefined ? {} : { freeChunk: ofPages, tickChunk: ofPages, drainChunk: ofPages }),
    ...(letGo === 'contended' ? { letsGo: letGo } : {}),
  }
}
