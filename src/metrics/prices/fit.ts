import { z } from 'zod'
import { quantile, randomOf } from '#kernel/numbers'
import type { Holds } from './holds.ts'

/** No percentile of fewer values. */
const LEAST_FOR_P99 = 20
/** A size class of fewer holds says little of its mean. */
const LEAST_IN_CLASS = 20
const RESAMPLES = 200

const interval = z.tuple([z.number(), z.number()])

export const holdFitSchema = z.object({
  holds: z.int().meta({ help: 'Operations timed.' }),
  baseNs: z.number().meta({ help: 'a of hold = a + b · pages, in ns.' }),
  pageNs: z.number().meta({ help: 'b, in ns a page.' }),
  baseInterval: interval.meta({ help: '95 % of the a of resampled holds.' }),
  pageInterval: interval.meta({ help: '95 % of the b of resampled holds.' }),
  classes: z.array(
    z.object({
      pages: z.number().meta({ help: 'Median size of the class: sizes from a power of two up to the next.' }),
      holds: z.int(),
      medianNs: z.number(),
      p99Ns: z.number().optional().meta({ help: 'Absent below 20 holds.' }),
      residual: z.number().meta({ help: '(median − line) ÷ median.' }),
    }),
  ),
})
export type HoldFit = z.infer<typeof holdFitSchema>

interface SizeClass {
  readonly pages: number
  /** Sorted. */
  readonly ns: readonly number[]
}

const ascending = (values: readonly number[]): number[] => values.toSorted((a, b) => a - b)
const medianOf = (sorted: readonly number[]): number => quantile(sorted, 0.5)!

function classesOf({ pages, ns }: Holds): SizeClass[] {
  const byClass = new Map<number, { pages: number[]; ns: number[] }>()
  pages.forEach((size, at) => {
    const key = Math.floor(Math.log2(size))
    const one = byClass.get(key) ?? { pages: [], ns: [] }
    byClass.set(key, one)
    one.pages.push(size)
    one.ns.push(ns[at]!)
  })
  return [...byClass]
    .sort(([a], [b]) => a - b)
    .map(([, one]) => ({ pages: medianOf(ascending(one.pages)), ns: ascending(one.ns) }))
}

/** Least squares of the relative error: of holds from 1 µs to 1 ms the short ones count as much. */
function lineThrough(points: readonly { readonly x: number; readonly y: number }[]) {
  const weights = points.map(({ y }) => 1 / Math.max(1, y) ** 2)
  const mean = (of: (point: { readonly x: number; readonly y: number }) => number): number =>
    points.reduce((sum, point, at) => sum + weights[at]! * of(point), 0) /
    weights.reduce((sum, weight) => sum + weight, 0)
  const [x, y] = [mean((point) => point.x), mean((point) => point.y)]
  const over = mean((point) => (point.x - x) * (point.y - y))
  const under = mean((point) => (point.x - x) ** 2)
  const pageNs = over / under
  return { baseNs: y - pageNs * x, pageNs }
}

const intervalOf = (values: number[]): [number, number] => {
  values.sort((a, b) => a - b)
  return [quantile(values, 0.025)!, quantile(values, 0.975)!]
}

/**
 * hold = a + b · pages, by least squares of the relative error of the medians of size classes: an interrupted virtual CPU makes some holds a thousand
 * times too long, and no median. Intervals by resampling holds within their class, seeded. `probeNs` is taken off each hold. Undefined
 * where fewer than two classes have 20 holds.
 */
export function fitHolds(holds: Holds, probeNs: number): HoldFit | undefined {
  const cheaper = { pages: holds.pages, ns: holds.ns.map((ns) => Math.max(0, ns - probeNs)) }
  const classes = classesOf(cheaper)
  const sound = classes.filter(({ ns }) => ns.length >= LEAST_IN_CLASS)
  if (sound.length < 2) return undefined
  const lineOf = (medians: readonly number[]) =>
    lineThrough(sound.map(({ pages }, at) => ({ x: pages, y: medians[at]! })))
  const { baseNs, pageNs } = lineOf(sound.map(({ ns }) => medianOf(ns)))
  const random = randomOf(1, 'holds')
  const resampled = Array.from({ length: RESAMPLES }, () =>
    lineOf(sound.map(({ ns }) => medianOf(ascending(Array.from(ns, () => ns[random.below(ns.length)]!))))),
  )
  return {
    holds: holds.ns.length,
    baseNs,
    pageNs,
    baseInterval: intervalOf(resampled.map((line) => line.baseNs)),
    pageInterval: intervalOf(resampled.map((line) => line.pageNs)),
    classes: classes.map(({ pages, ns }) => {
      const medianNs = medianOf(ns)
      return {
        pages,
        holds: ns.length,
        medianNs,
        ...(ns.length < LEAST_FOR_P99 ? {} : { p99Ns: quantile(ns, 0.99)! }),
        residual: medianNs === 0 ? 0 : (medianNs - (baseNs + pageNs * pages)) / medianNs,
      }
    }),
  }
}
