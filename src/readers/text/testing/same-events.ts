import { isDeepStrictEqual } from 'node:util'
import { type Events, eventAt, type TraceEvent } from '#events'

/** What one format can't hold of another's events. */
export interface Blind {
  /** Stamps are rounded to this step, half up, as ftrace and trace-cmd do. */
  readonly resolutionNs: number
  /** Fields that one side lacks, or prints in another way. */
  readonly fields: readonly string[]
}

type Row = Record<string, unknown>

function seen(event: TraceEvent, zero: number, { resolutionNs, fields }: Blind): Row {
  const row: Row = {
    ...event,
    time: zero * 1e9 + Math.floor((event.time + (resolutionNs >> 1)) / resolutionNs) * resolutionNs,
  }
  for (const field of fields) delete row[field]
  return row
}

const show = (row: Row | undefined): string =>
  JSON.stringify(row, (_, value) => (typeof value === 'bigint' ? `0x${value.toString(16)}` : value))

/** The events of `part` that don't stand in `whole`, in its order, the first few of them beside the nearest row there. */
export function differences(part: Events, whole: Events, blind: Blind, dense: boolean): string[] {
  const found: string[] = []
  let at = 0
  for (let row = 0; row < part.length && found.length < 3; row++) {
    const ours = seen(eventAt(part, row), part.zero, blind)
    if (!dense) while (at < whole.length && !isSameMoment(ours, eventAt(whole, at), whole.zero, blind)) at++
    const theirs = at < whole.length ? seen(eventAt(whole, at++), whole.zero, blind) : undefined
    if (isDeepStrictEqual(ours, theirs)) continue
    if (show(sorted(ours)) !== show(theirs && sorted(theirs))) found.push(`${row}: ${show(ours)} ≠ ${show(theirs)}`)
  }
  return found
}

function isSameMoment(ours: Row, event: TraceEvent, zero: number, blind: Blind): boolean {
  const theirs = seen(event, zero, blind)
  return (
    ours.time === theirs.time && ours.event === theirs.event && (ours.pfn === theirs.pfn || theirs.pfn === undefined)
  )
}

const sorted = (row: Row): Row => Object.fromEntries(Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1)))
