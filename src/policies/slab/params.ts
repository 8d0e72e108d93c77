import { z } from 'zod'

/** What a cache itself says, unless it is set. */
export const OWN = -1
export const ownOr = (set: number, own: number): number => (set === OWN ? own : set)

export const minPartial = z
  .int()
  .min(OWN)
  .max(1 << 16)
  .default(OWN)
  .meta({
    unit: 'slabs',
    help: 'min_partial: slabs that a node keeps though nothing of them is in use; −1: the cache’s own.',
  })
