import { EventBuilder, type Recording, type TraceEvent } from '#events'
import { type Machine, parseRelease, unknownMachine, type Zone } from '#kernel'

export interface MachineWish {
  readonly release?: string
  readonly cpus?: number
  readonly high?: number
  readonly batch?: number
  readonly count?: number
  readonly managed?: number
}

/** A machine of one zone. */
export function machine({
  release = '5.10.223',
  cpus = 2,
  high = 12,
  batch = 4,
  count = 0,
  managed = 16384,
}: MachineWish = {}): Machine {
  const zone: Zone = {
    node: 0,
    name: 'Normal',
    startPfn: 0,
    spanned: managed,
    present: managed,
    managed,
    free: managed,
    min: 64,
    low: 80,
    high: 96,
    pagesets: Array.from({ length: cpus }, (_, cpu) => ({ cpu, count, high, batch })),
  }
  const parsed = parseRelease(release)
  const numbers = Array.from({ length: cpus }, (_, cpu) => cpu)
  return {
    ...unknownMachine,
    ...(parsed === undefined ? {} : { release: parsed }),
    cpus: numbers,
    nodes: [{ node: 0, cpus: numbers }],
    zones: [zone],
  }
}

export function recordingOf(events: readonly TraceEvent[], wish: MachineWish = {}): Recording {
  const builder = new EventBuilder()
  for (const event of events) builder.addEvent(event)
  return {
    name: 'story',
    format: 'story',
    resolutionNs: 1,
    events: builder.finish(),
    machine: machine(wish),
    tally: [],
  }
}

/**
 * A story, one line a moment: `cpu0 alloc a`, `cpu1 free a`, `cpu0 free a order 3`, `cpu0 drain-all`. Several may stand on a line.
 * Letters name pages; type is MOVABLE.
 */
export function story(text: string, wish: MachineWish = {}): Recording {
  const events: TraceEvent[] = []
  const pfns = new Map<string, number>()
  const pfnOf = (name: string): number => {
    const known = pfns.get(name) ?? 512 + pfns.size * 8
    pfns.set(name, known)
    return known
  }
  let time = 0
  for (const line of text.split('\n')) {
    const [, cpu, rest] = /^\s*cpu(\d+)\s+(.*)$/.exec(line) ?? []
    if (cpu === undefined || rest === undefined) continue
    for (const [, verb, page, order] of rest.matchAll(/(alloc|free|drain-all)(?:\s+(\w+))?(?:\s+order\s+(\d+))?/g)) {
      time += 1000
      const at = { time, cpu: Number(cpu) }
      if (verb === 'drain-all') events.push({ event: 'drain_all_pages', ...at, zone: 0n })
      else if (verb === 'alloc')
        events.push({
          event: 'mm_page_alloc',
          ...at,
          pfn: pfnOf(page!),
          order: Number(order ?? 0),
          migratetype: 1,
          gfpFlags: 0,
        })
      else events.push({ event: 'mm_page_free', ...at, pfn: pfnOf(page!), order: Number(order ?? 0) })
    }
  }
  return recordingOf(events, wish)
}
