import { z } from 'zod'
import { acceptOneBlock, defineAcceptPolicy, guestParams, MAX_ORDER_PAGES, type Sleep, type Step } from './types.ts'
import { acceptUpTo } from './watermark.ts'

const BLOCKS_PER_MIB = 1 / 4

/** A thread accepts in the background; an allocation does so itself only below the min watermark. */
export const kthread = defineAcceptPolicy({
  id: 'kthread',
  title: 'a background thread accepts at a rate, or until enough is free',
  source: 'a what-if of ours after the review of [PATCH 1/5] mm: Add support for unaccepted memory; no kernel has it',
  leavesOut: 'that the thread takes its CPU from what runs there',
  params: guestParams.extend({
    rate: z.int().min(0).max(1e7).default(1024).meta({ unit: 'MiB per s', help: 'At most; 0: as fast as it can.' }),
    target: z.int().min(0).max(1e9).default(0).meta({
      unit: 'MiB',
      help: 'Accepted free memory on each node at which the thread rests; 0: it accepts everything.',
    }),
  }),
  unitPages: () => MAX_ORDER_PAGES,
  drivenBy: 'level',
  create: ({ rate, target }) => {
    const pauseNs = rate === 0 ? 0 : 1e9 / (rate * BLOCKS_PER_MIB)
    const rest: Sleep = { does: 'sleep', ns: Math.max(pauseNs, 1e6) }
    return {
      onAttempt: (host, node) =>
        host.unacceptedBlocks(node) === 0 || host.above(node, 'min') >= 0 ? undefined : acceptUpTo(host, node, 'min'),
      *thread(host): Generator<Step | Sleep, void, void> {
        const nodes = Array.from({ length: host.nodes }, (_, node) => node)
        while (nodes.some((node) => host.unacceptedBlocks(node) > 0)) {
          const hungry = nodes.filter(
            (node) => host.unacceptedBlocks(node) > 0 && (target === 0 || host.above(node, 'min') < target * 256),
          )
          if (hungry.length === 0) yield rest
          for (const node of hungry) {
            yield* acceptOneBlock(host, node)
            if (pauseNs > 0) yield { does: 'sleep', ns: pauseNs }
          }
        }
      },
    }
  },
})
