import { type Events, Kind } from '#events'
import { FREED, PageRows } from '#events/columns'
import { mostFirst, Sums } from './sums.ts'

/** A task, and a softirq, an interrupt and an NMI on top of it. */
const NESTED = 4
/** No string has this number. */
export const NO_STACK = 0xffff_ffff

/** Of each CPU the last events that may wait for their stack: one that interrupts another gets its own first. */
class Waiting {
  readonly #events: Events
  readonly #rows = new Map<number, number[]>()

  constructor(events: Events) {
    this.#events = events
  }

  add(cpu: number, row: number): void {
    const rows = this.#rows.get(cpu)
    if (rows === undefined) this.#rows.set(cpu, [row])
    else if (rows.push(row) > NESTED) rows.shift()
  }

  /** The last event of the same task and context as the stack. What came after it is done, and had none. */
  take(cpu: number, stack: number): number | undefined {
    const { pid, context } = this.#events
    const rows = this.#rows.get(cpu) ?? []
    const at = rows.findLastIndex((row) => pid[row] === pid[stack] && context[row] === context[stack])
    return at < 0 ? undefined : rows.splice(at)[0]
  }

  forget(cpu: number): void {
    this.#rows.delete(cpu)
  }
}

/** The caller of each event that has a stack, as a number of a string; NO_STACK for the others. */
export function callersByRow(events: Events): Uint32Array {
  const { kind: kinds, cpu: cpus, slot: slots, tables } = events
  const callers = tables.kernel_stack.column.caller.data
  const callerOf = new Uint32Array(events.length).fill(NO_STACK)
  if (tables.kernel_stack.length === 0) return callerOf
  const waiting = new Waiting(events)
  for (let row = 0; row < events.length; row++) {
    // row < length, so every column has it
    const cpu = cpus[row]!
    if (kinds[row] === Kind.lost) waiting.forget(cpu)
    else if (kinds[row] !== Kind.kernel_stack) waiting.add(cpu, row)
    else {
      const of = waiting.take(cpu, row)
      if (of !== undefined) callerOf[of] = callers[slots[row]!]!
    }
  }
  return callerOf
}

/**
 * Who asks for pages, who frees them, and who has them at the end? Undefined where no stack was recorded. Each event is followed on
 * its CPU by its stack, of which the caller is the first function beyond the allocator.
 */
export function surveyCallers(events: Events) {
  const { kind: kinds, slot: slots, tables, strings } = events
  const { kernel_stack: stacks, mm_page_alloc: alloc, mm_page_free: free } = tables
  if (stacks.length === 0) return undefined
  const [allocPfn, allocOrder] = [alloc.column.pfn.data, alloc.column.order.data] as [Uint32Array, Uint8Array]
  const [freePfn, freeOrder] = [free.column.pfn.data, free.column.order.data] as [Uint32Array, Uint8Array]
  const callerOf = callersByRow(events)
  const byCaller = new Sums(['allocs', 'pagesAllocated', 'frees', 'pagesFreed', 'failures', 'pagesAliveAtEnd'])
  const { pagesAliveAtEnd: alive } = byCaller.column
  const rows = new PageRows()
  /** The page is no longer its allocator's. */
  const leave = (pfn: number): void => {
    const from = rows.get(pfn)
    if (from >= 0) alive[byCaller.row(callerOf[from]!)]!--
  }
  for (let row = 0; row < events.length; row++) {
    const slot = slots[row]!
    switch (kinds[row]!) {
      case Kind.mm_page_alloc: {
        const pages = 1 << allocOrder[slot]!
        const at = byCaller.row(callerOf[row]!)
        byCaller.column.allocs[at]!++
        byCaller.column.pagesAllocated[at]! += pages
        for (let pfn = allocPfn[slot]!; pfn < allocPfn[slot]! + pages; pfn++) {
          leave(pfn)
          rows.set(pfn, row)
        }
        alive[at]! += pages
        break
      }
      case Kind.mm_page_free: {
        const pages = 1 << freeOrder[slot]!
        const at = byCaller.row(callerOf[row]!)
        byCaller.column.frees[at]!++
        byCaller.column.pagesFreed[at]! += pages
        for (let pfn = freePfn[slot]!; pfn < freePfn[slot]! + pages; pfn++) {
          leave(pfn)
          rows.set(pfn, FREED)
        }
        break
      }
      case Kind.mm_page_alloc_failed:
        byCaller.add('failures', callerOf[row]!)
    }
  }
  return mostFirst(
    byCaller.list((caller) => (caller === NO_STACK ? {} : { callSite: strings.get(caller)! })),
    (row) => row.pagesAllocated,
    (row) => row.pagesFreed,
    (row) => row.failures,
  )
}
