import type { Prices } from '#metrics/prices'
import type { Question } from './kit.ts'

/** The price lists of a question. */
export function pricesFor(
  lists: readonly Prices[],
  { first, factor = 1 }: NonNullable<Question['prices']> = {},
): Prices[] {
  const chosen = lists.find(({ id }) => id === first)
  const ordered = chosen === undefined ? lists : [chosen, ...lists.filter((one) => one !== chosen)]
  if (factor === 1) return [...ordered]
  const scaled = (points: Prices['refillUs']): Prices['refillUs'] =>
    points.map(([pages, mean, most]) => [pages, mean * factor, most * factor])
  return ordered.map((list) => ({
    ...list,
    id: `${list.id}×${factor}`,
    bulkFreeUs: scaled(list.bulkFreeUs),
    refillUs: scaled(list.refillUs),
  }))
}
