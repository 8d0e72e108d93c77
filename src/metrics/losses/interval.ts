import { z } from 'zod'

export const intervalSchema = z.object({ low: z.number(), high: z.number() }).meta({
  help: 'What lost events leave open: the value of the whole recording lies between, in about 9 of 10 cases.',
})
export type Interval = z.infer<typeof intervalSchema>

/** What a number is made from: counts of recorded events follow a loss closely, replays less so. */
export type Kind = 'recorded' | 'replayed'

/** Widths found by trials: docs/losses.md says how often intervals hold with them. */
const WIDTHS = {
  recorded: { back: 2.5, spread: 0.75, slack: 0.05 },
  replayed: { back: 3, spread: 1.5, slack: 1.5 },
} as const

/**
 * What a loss leaves open of a number. `again`: the number where as much was lost once more, by trials. What the second loss took, the
 * first took too: the number lies between the observed one and some times as much back, give or take the spread of the trials, and some share
 * of `scale` (default the number itself) as large as the loss.
 */
export function intervalOf(
  observed: number,
  again: readonly number[],
  share: number,
  kind: Kind,
  scale = Math.abs(observed),
): Interval {
  if (again.length === 0) return { low: observed, high: observed }
  const shifts = again.map((value) => observed - value)
  const mean = shifts.reduce((sum, shift) => sum + shift, 0) / shifts.length
  const { back, spread, slack } = WIDTHS[kind]
  const around = spread * (Math.max(...shifts) - Math.min(...shifts)) + slack * share * scale
  return { low: observed + Math.min(0, back * mean) - around, high: observed + Math.max(0, back * mean) + around }
}
