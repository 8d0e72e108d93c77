import { Kind, type Recording, selectEvents } from '#events'
import type { Script } from '#record'
import type { Window } from '#replay'

/** A recording with the events of a window alone. */
export function recordingWithin(recording: Recording, window: Window | undefined): Recording {
  if (window === undefined) return recording
  const { events } = recording
  const { from = Number.NEGATIVE_INFINITY, to = Number.POSITIVE_INFINITY } = window
  const { time } = events
  return { ...recording, events: selectEvents(events, (row) => time[row]! >= from && time[row]! < to) }
}

/** `drain_local_pages_wq` items queued in a window, by CPU; `recording` is of the window. */
export function interruptionsWithin(
  { events: { kind, slot, length, tables, strings } }: Recording,
  { recordedInterruptions }: Pick<Script, 'recordedInterruptions'>,
  window: Window | undefined,
): Readonly<Record<string, number>> {
  if (window === undefined) return recordedInterruptions
  const { column } = tables.workqueue_queue_work
  const work = strings.find('drain_local_pages_wq')
  const found: Record<string, number> = {}
  for (let row = 0; row < length; row++) {
    if (work === undefined || kind[row] !== Kind.workqueue_queue_work || column.function.data[slot[row]!] !== work)
      continue
    const cpu = column.poolCpu.data[slot[row]!] as number
    found[cpu] = (found[cpu] ?? 0) + 1
  }
  return found
}

/** A window in seconds of the trace’s clock. */
export function secondsOf(
  window: Window,
  { from, to }: Pick<Script, 'from' | 'to'>,
  zero: number,
): { from: number; to: number } {
  const seconds = (ns: number): number => zero + ns / 1e9
  return { from: seconds(window.from ?? from), to: seconds(window.to ?? to) }
}
