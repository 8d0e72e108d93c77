import { lossesOf, type Recording } from '#events'
import type { Machine } from '#kernel'
import { counted, type TallyEntry } from '#kernel/messages'

export const number = (value: number): string => value.toLocaleString('en-US')

/** A share as a percentage; below 10 % with a digit after the point, and where a whole one would call nearly all all. */
export function percent(value: number): string {
  const size = Math.abs(value)
  if (size >= 0.99 && size < 1) return `${value < 0 ? '−' : ''}${(Math.floor(size * 1000) / 10).toFixed(1)} %`
  const digits = size < 0.1 ? 1 : 0
  return `${(value * 100).toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits })} %`
}

/** "12 events in 2 gaps, and an unknown number in 1 more"; undefined where none were lost. */
export function lostWords({ gaps, events, uncounted }: ReturnType<typeof lossesOf>): string | undefined {
  if (gaps === 0) return undefined
  if (uncounted === gaps) return `an unknown number of events in ${counted(gaps, 'gap')}`
  const known = `${counted(events, 'event')} in ${counted(gaps - uncounted, 'gap')}`
  return uncounted === 0 ? known : `${known}, and an unknown number in ${number(uncounted)} more`
}

/** The entries of a tally that cost data. */
export const skippedIn = <T extends Pick<TallyEntry, 'level'>>(tally: readonly T[]): T[] =>
  tally.filter(({ level }) => level !== 'note')

/** Causes of a tally that took no event away: their events are read, or stand among the losses. */
const NOTHING_UNREAD: ReadonlySet<string> = new Set(['time-backwards', 'unended-line', 'overwritten-events'])

/** How many lines or records could not be read, of those that totals are made of. */
export const unreadIn = (tally: readonly Pick<TallyEntry, 'level' | 'cause' | 'count'>[]): number =>
  skippedIn(tally).reduce((sum, { cause, count }) => (NOTHING_UNREAD.has(cause) ? sum : sum + count), 0)

/** Undefined for the trace of a kernel. */
export const syntheticCaveat = ({ release }: Pick<Machine, 'release'>): string | undefined =>
  release?.synthetic === true
    ? 'The trace is synthetic: kreplay’s own model made it, so that agreement with it proves nothing about a kernel.'
    : undefined

/** What could not be read of a trace, in a sentence; undefined where all could. */
export function skippedCaveat(tally: readonly TallyEntry[]): string | undefined {
  const causes = skippedIn(tally).map(({ cause, count }) => `${number(count)} × ${cause}`)
  return causes.length === 0 ? undefined : `Not all of the trace could be read: ${causes.join(', ')}.`
}

/** What a reader must know of a recording before any number that was made from it, a sentence each; none of a whole one. */
export function caveatsOf({ events, machine, tally }: Pick<Recording, 'events' | 'machine' | 'tally'>): string[] {
  const lost = lostWords(lossesOf(events))
  return [
    syntheticCaveat(machine),
    lost === undefined ? undefined : `The recording lost ${lost}: all counts are of what was recorded.`,
    skippedCaveat(tally),
  ].filter((sentence) => sentence !== undefined)
}
