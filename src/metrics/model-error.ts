import type { MeasureId } from './measures.ts'

/** Windows of time in which a replay is held against the record, beside the whole trace. */
const WINDOWS = 10

const sumOf = (values: ArrayLike<number>, from: number, to: number): number => {
  let sum = 0
  for (let at = from; at < to; at++) sum += values[at]!
  return sum
}

/** How far a prediction is off, relative to `scale`; 1 where something was predicted of what was never recorded. */
const errorOf = (predicted: number, recorded: number, scale: number): number =>
  predicted === recorded ? 0 : scale === 0 ? 1 : Math.abs(predicted - recorded) / scale

/**
 * The largest relative difference between a replay and the record, over the whole and over ten equal windows. A window in which little
 * was recorded weighs no more than a tenth of the whole: one event moved across its edge is no error of 100 %.
 */
export function modelErrorOf(predicted: ArrayLike<number>, recorded: ArrayLike<number>): number {
  const steps = recorded.length
  const whole = sumOf(recorded, 0, steps)
  let worst = errorOf(sumOf(predicted, 0, steps), whole, whole)
  for (let window = 0; window < WINDOWS; window++) {
    const [from, to] = [window, window + 1].map((at) => Math.trunc((at * steps) / WINDOWS)) as [number, number]
    const here = sumOf(recorded, from, to)
    worst = Math.max(worst, errorOf(sumOf(predicted, from, to), here, Math.max(here, whole / WINDOWS)))
  }
  return worst
}

const nothing = (values: ArrayLike<number> | undefined): boolean =>
  values === undefined || sumOf(values, 0, values.length) === 0

/**
 * By measure, for those that the trace records. A kernel whose drains interrupt nobody (from 6.0 on) checks no interruption of another
 * mechanism: the drains that it does in their place stand for them.
 */
export function modelErrors(
  predicted: ReadonlyMap<MeasureId, ArrayLike<number>>,
  recorded: ReadonlyMap<MeasureId, ArrayLike<number>>,
): Readonly<Partial<Record<MeasureId, number>>> {
  const errors: Partial<Record<MeasureId, number>> = {}
  for (const [id, values] of recorded) {
    const own = predicted.get(id)
    if (own !== undefined) errors[id] = modelErrorOf(own, values)
  }
  if (errors.requestedDrains !== undefined && nothing(recorded.get('interruptions')))
    for (const id of ['interruptions', 'isolatedInterruptions'] as const)
      if (errors[id] !== undefined) errors[id] = Math.max(errors[id], errors.requestedDrains)
  return errors
}
