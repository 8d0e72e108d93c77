import type { Events } from '#events'
import { UsageError } from '#kernel/messages'
import type { Window } from '#replay'

/** Seconds of the trace’s clock: events from `from`, and before `to`. */
export interface Span {
  readonly from?: number | undefined
  readonly to?: number | undefined
}

export const isWhole = ({ from, to }: Span): boolean => from === undefined && to === undefined

/** @throws UsageError where nothing can lie between, before anything is read */
export function checkSpan({ from, to }: Span): void {
  if (from !== undefined && to !== undefined && from >= to)
    throw new UsageError(`--from ${from} --to ${to}: nothing lies between`, '--to comes after --from, in seconds')
}

/**
 * A span as events count time; undefined for all of them.
 *
 * @throws UsageError where it holds no event
 */
export function windowOf(
  { zero, time, length }: Pick<Events, 'zero' | 'time' | 'length'>,
  span: Span,
): Window | undefined {
  if (isWhole(span)) return undefined
  const ns = (seconds: number | undefined) => (seconds === undefined ? undefined : Math.round((seconds - zero) * 1e9))
  const [first = 0, last = 0] = [time[0], time[length - 1]]
  const { from = first, to } = { from: ns(span.from), to: ns(span.to) }
  const before = to ?? Number.POSITIVE_INFINITY
  for (let row = 0; row < length; row++)
    if (time[row]! >= from && time[row]! < before)
      return { from: Math.max(from, first), to: before > last ? undefined : before }
  const seconds = (at: number) => (zero + at / 1e9).toFixed(6)
  throw new UsageError(
    'the trace has no event between --from and --to',
    `it has events from ${seconds(first)} to ${seconds(last)} s of its clock`,
  )
}
