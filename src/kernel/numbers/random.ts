import { randomExponential, randomGeometric, randomLogNormal } from 'd3-random'
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64'
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'

/** One seeded stream of random numbers. */
export interface Random {
  /** From 0 up to, and without, 1. */
  readonly uniform: () => number
  /** A whole number from 0 up to, and without, `n`. */
  readonly below: (n: number) => number
  readonly chance: (share: number) => boolean
  /** Time to the next of events that come at `perSecond` on average, ns; Infinity where none ever comes. */
  readonly gapNs: (perSecond: number) => number
  /** A whole number from 1 up, with this mean. */
  readonly count: (mean: number) => number
  /** A time around `median`, of which about two thirds lie within a factor of e^spread. */
  readonly around: (median: number, spread: number) => number
  /** One of the keys, by their weights. */
  readonly pick: <K>(weights: readonly (readonly [key: K, weight: number])[]) => K
}

/** FNV-1a */
const hash = (text: string): number =>
  [...text].reduce((sum, letter) => Math.imul(sum ^ letter.codePointAt(0)!, 0x01000193), 0x811c9dc5)

/** The stream of one part of a workload: streams of other names don’t move when this one is used more. */
export function randomOf(seed: number, name: string): Random {
  const generator = xoroshiro128plus(seed ^ hash(name))
  const uniform = () => uniformFloat64(generator)
  // The first numbers of near seeds are near.
  for (let skip = 0; skip < 8; skip++) uniform()
  const exponential = randomExponential.source(uniform)(1)
  const normal = randomLogNormal.source(uniform)(0, 1)
  return {
    uniform,
    below: (n) => Math.floor(uniform() * n),
    chance: (share) => uniform() < share,
    gapNs: (perSecond) => (exponential() / perSecond) * 1e9,
    count: (mean) => (mean <= 1 ? 1 : randomGeometric.source(uniform)(1 / mean)()),
    around: (median, spread) => median * normal() ** spread,
    pick: (weights) => {
      let rest = uniform() * weights.reduce((sum, [, weight]) => sum + weight, 0)
      for (const [key, weight] of weights) {
        rest -= weight
        if (rest < 0) return key
      }
      return weights.at(-1)![0]
    },
  }
}
