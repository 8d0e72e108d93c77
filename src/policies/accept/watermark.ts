import {
  type AcceptHost,
  acceptOneBlock,
  defineAcceptPolicy,
  guestParams,
  MAX_ORDER_PAGES,
  type Steps,
} from './types.ts'

/** Accepts until so much is accepted and free. */
export function* acceptUpTo(host: AcceptHost, node: number, watermark: 'min' | 'promo'): Steps {
  while (host.above(node, watermark) < 0 && host.unacceptedBlocks(node) > 0) yield* acceptOneBlock(host, node)
}

/** As merged: 4 MiB blocks, whenever an allocation finds less accepted free memory than the promo watermark. */
export const watermark = defineAcceptPolicy({
  id: 'watermark',
  title: '4 MiB at a time below the promo watermark, without zone->lock, interrupts off',
  source: 'cond_accept_memory(), mm/page_alloc.c, accept_memory(), drivers/firmware/efi/unaccepted_memory.c, v6.12.107',
  leavesOut:
    'bulk allocations’ own attempts, which are not traced; 6.5’s first form, which waited for the watermark to fail',
  params: guestParams,
  unitPages: () => MAX_ORDER_PAGES,
  drivenBy: 'level',
  create: () => ({
    onAttempt: (host, node) =>
      host.unacceptedBlocks(node) === 0 || host.above(node, 'promo') >= 0 ? undefined : acceptUpTo(host, node, 'promo'),
  }),
})
