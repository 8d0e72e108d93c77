/** UNMOVABLE, MOVABLE, RECLAIMABLE, HIGHATOMIC. Isolated blocks are not modelled. */
export const TYPES = 4
export const HIGHATOMIC = 3

/** `where`: by page, of the head of a free block its list, order × TYPES + migratetype, + 1. In order of pages. */
export function eachFreeBlock(where: Uint8Array, base: number, visit: (pfn: number, order: number) => void): void {
  // Four pages at a time where no free block begins.
  const words = new Uint32Array(where.buffer, 0, where.length >> 2)
  for (let at = 0; at < where.length; ) {
    const list = where[at]!
    if (list !== 0) {
      const order = (list - 1) >> 2
      visit(at + base, order)
      at += 1 << order
    } else if ((at & 3) === 0 && words[at >> 2] === 0) at += 4
    else at++
  }
}
