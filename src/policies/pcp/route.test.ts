import { expect, test } from 'vitest'
import { SweepOrder } from './lists.ts'
import { withMoreLists } from './route.ts'
import type { ListRules } from './types.ts'

/** The lists from which a bulk free takes all pages, one after another. `lens`: by set, two lists each. */
function emptied(lens: readonly (readonly [number, number])[], list: number): number[] {
  const plain = {
    lists: 2,
    orderOf: (list: number) => list,
    bulkOrder: () => new SweepOrder(2),
  } as unknown as ListRules
  const order = withMoreLists(plain, lens.length - 1).bulkOrder()
  const left = Int32Array.from(lens.flat())
  const total = left.reduce((sum, len) => sum + len, 0)
  order.begin(total, list)
  return Array.from({ length: total }, (_, gone) => {
    const from = order.next(left, 0, total - gone)
    left[from]!--
    return from
  })
}

test('a bulk free empties the set just freed to, then the next ones, each from its first list', () => {
  expect(
    emptied(
      [
        [1, 1],
        [0, 2],
        [1, 1],
      ],
      3,
    ),
  ).toEqual([3, 3, 4, 5, 0, 1])
})

test('where the set just freed to is empty, the next one that is not comes first', () => {
  expect(
    emptied(
      [
        [1, 1],
        [0, 0],
        [0, 0],
      ],
      3,
    ),
  ).toEqual([0, 1])
})

test('each further set has lists of the same orders', () => {
  const plain = { lists: 2, orderOf: (list: number) => 3 * list } as unknown as ListRules
  const { lists, orderOf } = withMoreLists(plain, 2)
  expect(Array.from({ length: lists }, (_, list) => orderOf(list))).toEqual([0, 3, 0, 3, 0, 3])
})
