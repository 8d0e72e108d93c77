import { type Events, Kind } from '#events'
import { ABSENT_COMM, ABSENT_PID } from '#events/columns'
import type { Machine } from '#kernel'
import { severityOf } from './fragmentation.ts'
import { runsOf } from './lists.ts'
import { mostFirst, Sums } from './sums.ts'

const fields = [
  'allocs',
  'pagesAllocated',
  'frees',
  'pagesFreed',
  'freesBatched',
  'failures',
  'lockedPages',
  'refills',
  'refillPages',
  'drains',
  'drainedPages',
  'fallbacks',
  'fragmenting',
  'severe',
  'changedOwnership',
] as const

/**
 * Who did it: the table of trace-pagealloc-postprocess.pl, with pages for events and runs per CPU. All processes of one name are
 * one row; what an interrupt does counts for the process it interrupted, as the kernel records it.
 */
export function surveyProcesses(events: Events, machine: Machine, runs = runsOf(events)) {
  const { kind: kinds, comm: comms, pid: pids, slot: slots, tables, strings } = events
  const order = {
    alloc: tables.mm_page_alloc.column.order.data,
    free: tables.mm_page_free.column.order.data,
    locked: tables.mm_page_alloc_zone_locked.column.order.data,
    fallback: tables.mm_page_alloc_extfrag.column.fallbackOrder.data,
  }
  const changed = tables.mm_page_alloc_extfrag.column.changeOwnership.data
  const sums = new Sums(fields)
  const { allocs, pagesAllocated, frees, pagesFreed, freesBatched, lockedPages } = sums.column
  const pidsOf = new Map<number, Set<number>>()
  let [lastComm, lastPid] = [Number.NaN, Number.NaN]
  for (let row = 0; row < events.length; row++) {
    // row < length, so every column has it
    const comm = comms[row]!,
      slot = slots[row]!
    switch (kinds[row]!) {
      case Kind.mm_page_alloc: {
        const at = sums.row(comm)
        allocs[at]!++
        pagesAllocated[at]! += 1 << order.alloc[slot]!
        break
      }
      case Kind.mm_page_alloc_failed:
        sums.add('failures', comm)
        break
      case Kind.mm_page_free: {
        const at = sums.row(comm)
        frees[at]!++
        pagesFreed[at]! += 1 << order.free[slot]!
        break
      }
      case Kind.mm_page_free_batched:
        freesBatched[sums.row(comm)]!++
        break
      case Kind.mm_page_alloc_zone_locked:
        lockedPages[sums.row(comm)]! += 1 << order.locked[slot]!
        break
      case Kind.mm_page_pcpu_drain:
        break
      case Kind.mm_page_alloc_extfrag: {
        const severity = severityOf(order.fallback[slot]!, machine.pageblockOrder)
        sums.add('fallbacks', comm)
        if (severity !== 'whole') sums.add('fragmenting', comm)
        if (severity === 'severe') sums.add('severe', comm)
        if (changed[slot] === 1) sums.add('changedOwnership', comm)
        break
      }
      default:
        continue
    }
    const pid = pids[row]!
    if (comm === lastComm && pid === lastPid) continue
    lastComm = comm
    lastPid = pid
    let known = pidsOf.get(comm)
    if (known === undefined) {
      known = new Set()
      pidsOf.set(comm, known)
    }
    if (pid !== ABSENT_PID) known.add(pid)
  }
  if (pidsOf.size === 0) return undefined
  for (const { kind, pages, row } of runs) {
    const comm = comms[row]!
    sums.add(kind === 'refill' ? 'refills' : 'drains', comm)
    sums.add(kind === 'refill' ? 'refillPages' : 'drainedPages', comm, pages)
  }
  return mostFirst(
    sums.list((comm) => ({
      comm: comm === ABSENT_COMM ? undefined : strings.get(comm),
      pids: pidsOf.get(comm)?.size ?? 0,
    })),
    (row) => row.pagesAllocated,
    (row) => row.pagesFreed,
  )
}

export type ProcessSurvey = NonNullable<ReturnType<typeof surveyProcesses>>
