import type { ParamValue } from '#policies'

/** Values that one range may come to. */
export const MOST_VALUES = 10_000

const NUMBER = String.raw`-?\d+(?:\.\d+)?(?:e[+-]?\d+)?`
const RANGE = new RegExp(`^(${NUMBER})\\s*\\.\\.\\s*(${NUMBER})(?:\\s+(step|log)\\s+(${NUMBER}))?$`, 'i')

/** Whether a text is meant as a range. No value of a parameter has two dots in it. */
export const isRange = (text: string): boolean => text.includes('..')

/**
 * `"0..64 step 8"` → 0, 8, … 64. `"1000..1e9 log 7"` → seven values at equal ratios, whole where both ends are. `"1..4"` → 1, 2, 3, 4.
 * Both ends are in it, where the step meets the second. A text that says what is wrong, for one that is no range.
 */
export function valuesOfRange(text: string): readonly number[] | string {
  const [, first, last, kind = 'step', by = '1'] = RANGE.exec(text.trim()) ?? []
  if (first === undefined || last === undefined) return `is no range; examples: 0..64 step 8, 1000..1e9 log 7`
  const [from, to, size] = [Number(first), Number(last), Number(by)]
  if (![from, to, size].every(Number.isFinite)) return 'has a number that is too large'
  if (to < from) return `ends (${to}) before it begins (${from})`
  return kind.toLowerCase() === 'log' ? logarithmic(from, to, size) : linear(from, to, size)
}

function linear(from: number, to: number, step: number): readonly number[] | string {
  if (step <= 0) return `has a step of ${step}; it must be more than 0`
  const count = Math.floor((to - from) / step + 1e-9) + 1
  if (count > MOST_VALUES) return `has ${count} values; at most ${MOST_VALUES} may be asked for`
  return Array.from({ length: count }, (_, at) => tidy(from + at * step))
}

function logarithmic(from: number, to: number, count: number): readonly number[] | string {
  if (from <= 0) return `begins at ${from}; a log range begins above 0`
  if (!Number.isInteger(count) || count < 2 || count > MOST_VALUES)
    return `has ${count} points; a log range has 2 to ${MOST_VALUES}`
  const whole = Number.isInteger(from) && Number.isInteger(to)
  const values = Array.from({ length: count }, (_, at) => {
    if (at === 0) return from
    if (at === count - 1) return to
    const value = from * (to / from) ** (at / (count - 1))
    return whole ? Math.round(value) : Number(value.toPrecision(6))
  })
  return [...new Set(values)]
}

/** Sums of steps such as 0.1 without their rounding errors. */
const tidy = (value: number): number => Number(value.toPrecision(12))

/** A value, a range or a list of both, as all values in order, each once. What is wrong, as a text in an array's place. */
export function expanded(given: ParamValue | readonly ParamValue[]): readonly ParamValue[] | string {
  const all: ParamValue[] = []
  for (const one of [given].flat()) {
    const values = typeof one === 'string' && isRange(one) ? valuesOfRange(one) : [one]
    if (typeof values === 'string') return `${JSON.stringify(one)} ${values}`
    all.push(...values)
  }
  return [...new Set(all)]
}
