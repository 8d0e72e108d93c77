import { lossesOf, type Recording } from '#events'
import type { Machine } from '#kernel'
import type { TallyEntry } from '#kernel/messages'

export const number = (value: number): string => value.toLocaleString('en-US')

/** A share as a percentage; below 10 % with a digit after the point. */
export function percent(value: number): string {
  const digits = Math.abs(value) < 0.1 ? 1 : 0
  return `${(value * 100).toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits })} %`
}

/** "at least 12 events in 3 gaps"; undefined where none were lost. */
export function lostWords({ gaps, events, uncounted }: ReturnType<typeof lossesOf>): string | undefined {
  if (gaps === 0) return undefined
  const many = `${number(events)} ${events === 1 ? 'event' : 'events'}`
  const what = events === 0 ? 'an unknown number of events' : uncounted > 0 ? `at least ${many}` : many
  return `${what} in ${number(gaps)} ${gaps === 1 ? 'gap' : 'gaps'}`
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
