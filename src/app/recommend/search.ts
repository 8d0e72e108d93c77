import { randomOf } from '#kernel/numbers'
import { type RankingQuestion, ranked } from '../sweep/ranking.ts'
import type { SweepRun } from '../sweep/results.ts'
import type { Choice } from '../sweep/space.ts'
import type { Evaluator } from './evaluator.ts'

export const searches = ['grid', 'random', 'halving'] as const
export type SearchId = (typeof searches)[number]

export interface SearchSettings {
  readonly search: SearchId
  /** Choices that a random search draws, and that halving begins with. Undefined: all. */
  readonly draws: number | undefined
  readonly seed: number
}

/** A third goes on to a part of the captures three times as long. */
const RUNGS = [1 / 9, 1 / 3]
const KEPT = 1 / 3
/** Halving never leaves fewer than that to the whole captures. */
const LEAST_KEPT = 6

/** Runs of the choices that a search reaches, on whole captures; the baseline is always among them. */
export async function searched(
  evaluator: Pick<Evaluator, 'run'>,
  choices: readonly Choice[],
  question: RankingQuestion,
  { search, draws, seed }: SearchSettings,
): Promise<SweepRun[]> {
  let left = search === 'grid' ? choices : drawn(choices, question.baseline, draws ?? choices.length, seed)
  if (search === 'halving')
    for (const share of RUNGS) {
      if (left.length <= LEAST_KEPT) break
      const order = ranked(await evaluator.run(left, share), question).map(({ policy }) => policy)
      const kept = new Set(order.slice(0, Math.max(LEAST_KEPT, Math.ceil(order.length * KEPT))))
      left = left.filter(({ id }) => kept.has(id) || id === question.baseline)
    }
  return await evaluator.run(left)
}

/** So many of the choices without repetition, in their order, the baseline among them. */
function drawn(choices: readonly Choice[], baseline: string, count: number, seed: number): readonly Choice[] {
  if (count >= choices.length) return choices
  const random = randomOf(seed, 'search')
  const rest = choices.filter(({ id }) => id !== baseline)
  const taken = new Set<Choice>(choices.filter(({ id }) => id === baseline))
  while (taken.size < count && rest.length > 0) {
    const at = random.below(rest.length)
    taken.add(rest[at]!)
    rest[at] = rest.at(-1)!
    rest.pop()
  }
  return choices.filter((choice) => taken.has(choice))
}
