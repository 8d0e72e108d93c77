import type { Events } from '#events'
import { type Machine, migratetypeName } from '#kernel'
import { mostFirst, Sums } from './sums.ts'

/** The order up to which a fallback counts as severe: PAGE_ALLOC_COSTLY_ORDER, as in trace-pagealloc-postprocess.pl. */
const SEVERE_ORDER = 3

export type Severity = 'severe' | 'moderate' | 'whole'

/**
 * Taking less than a pageblock from another migratetype's blocks fragments memory: severe up to order 3, moderate above; a whole
 * pageblock or more fragments nothing. The pageblock's order is not in the record: it is the machine's.
 */
export const severityOf = (fallbackOrder: number, pageblockOrder: number): Severity =>
  fallbackOrder >= pageblockOrder ? 'whole' : fallbackOrder <= SEVERE_ORDER ? 'severe' : 'moderate'

/** Which migratetypes took memory from which, and how badly does it fragment? */
export function surveyFragmentation(events: Events, machine: Machine) {
  const { length, column } = events.tables.mm_page_alloc_extfrag
  if (length === 0) return undefined
  const byTypes = new Sums(['events', 'severe', 'moderate', 'whole', 'changedOwnership'])
  for (let slot = 0; slot < length; slot++) {
    const alloc = column.allocMigratetype.data[slot]!
    const fallback = column.fallbackMigratetype.data[slot]!
    const key = alloc * 256 + fallback
    byTypes.add('events', key)
    byTypes.add(severityOf(column.fallbackOrder.data[slot]!, machine.pageblockOrder), key)
    if (column.changeOwnership.data[slot] === 1) byTypes.add('changedOwnership', key)
  }
  const sum = (of: keyof typeof byTypes.column): number => byTypes.column[of].reduce((a, b) => a + b, 0)
  const name = (type: number) => migratetypeName(type, machine)
  return {
    events: length,
    fragmenting: sum('severe') + sum('moderate'),
    severe: sum('severe'),
    moderate: sum('moderate'),
    changedOwnership: sum('changedOwnership'),
    pageblockOrder: machine.pageblockOrder as number,
    byMigratetypes: mostFirst(
      byTypes.list((key) => ({ for: name(Math.floor(key / 256)), from: name(key % 256) })),
      (row) => row.events,
    ),
  }
}

export type FragmentationSurvey = NonNullable<ReturnType<typeof surveyFragmentation>>
