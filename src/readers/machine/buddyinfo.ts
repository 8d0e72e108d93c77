import type { BuddyCounts } from '#kernel'
import { malformed } from './malformed.ts'

/** Orders that some kernel has; more columns are damage. */
const MOST_ORDERS = 20

/** Lines `Node 0, zone    DMA32      3      1 …`: free blocks of order 0, 1, … */
export function parseBuddyinfo(text: string, file: string): BuddyCounts[] {
  const counts: BuddyCounts[] = []
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue
    const [, node, zone, blocks] = /^Node (\d+), zone +(\S+)((?: +\d+)+)\s*$/.exec(line) ?? []
    if (blocks === undefined || zone === undefined) {
      malformed(file, index + 1, 'a line of buddyinfo is "Node N, zone NAME" and one count an order')
    }
    const byOrder = blocks.trim().split(/ +/).map(Number)
    if (byOrder.length > MOST_ORDERS) malformed(file, index + 1, `no kernel has blocks of ${byOrder.length} orders`)
    counts.push({ node: Number(node), zone, blocks: byOrder })
  }
  return counts
}
