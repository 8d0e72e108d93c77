import { expect, test } from 'vitest'
import { EventBuilder, type Events, eachEvent, type TraceEvent } from '#events'
import { Ask, DemandBuilder } from '#events/demand'
import { infer } from '../../estimate/inferred.ts'
import { record } from '../../replay/recorder.ts'
import { machine, recordingOf } from '../../replay/testing/story.ts'
import { Op } from '../script.ts'
import { scriptOf } from '../script-of.ts'

const wish = { release: '7.2.12', batch: 4, managed: 4096 }
const FREER = 7

/** One task allocates on CPU 1, another frees on CPU 0: bulk frees of several batches of 4. */
function recorded() {
  const builder = new DemandBuilder()
  const [freer, other] = [builder.task(FREER, 'freer'), builder.task(8, 'other')]
  for (let block = 0; block < 600; block++)
    builder.push({ time: block, ask: Ask.alloc, cpu: 1, task: other, block, order: 0, migratetype: 1 })
  for (let block = 0; block < 600; block++)
    builder.push({ time: 1000 + block, ask: Ask.free, cpu: 0, task: freer, block, order: 0, migratetype: 1 })
  return record(builder.finish(), machine(wish))
}

/** The longest bulk free of the freer: where its pages begin, and end. */
function longest(events: readonly TraceEvent[]): [number, number] {
  let best: [number, number] = [0, 0]
  for (let from = 0; from < events.length; from++) {
    let to = from
    while (events[to]?.event === 'mm_page_pcpu_drain') to++
    if (to - from > best[1] - best[0]) best = [from, to]
    if (to > from) from = to
  }
  return best
}

function replayed(events: readonly TraceEvent[], of: ReturnType<typeof recorded>) {
  const builder = new EventBuilder()
  for (const [at, event] of events.entries()) builder.addEvent({ ...event, time: at * 1000 })
  const made: Events = builder.finish()
  const script = scriptOf({ events: made, machine: of.machine })
  const { run } = infer(script)
  return { script, run, misses: [...run.misses], bursts: run.cpus[0]!.bursts, pages: run.cpus[0]!.pages }
}

test('a bulk free that was preempted between two batches goes on where it stopped', () => {
  const of = recorded()
  const events = [...eachEvent(of.events)]
  const [from, to] = longest(events)
  expect(to - from).toBeGreaterThan(8)
  const whole = replayed(events, of)
  // Another task allocates and frees on the CPU meanwhile.
  const between: TraceEvent[] = [
    {
      event: 'mm_page_alloc',
      time: 0,
      cpu: 0,
      pid: 9,
      comm: 'third',
      context: 0,
      pfn: 4000,
      order: 4,
      migratetype: 1,
      gfpFlags: 0,
    },
  ]
  const { script, misses, bursts, pages } = replayed(
    [...events.slice(0, from + 4), ...between, ...events.slice(from + 4)],
    of,
  )
  expect(script.op.slice(0, script.length).filter((op) => op === Op.bulkFreeResumed)).toHaveLength(1)
  expect(misses).toEqual(whole.misses)
  expect(bursts).toEqual(whole.bursts)
  expect(pages).toEqual(whole.pages)
})

test('one whose task finds itself on another CPU gives the rest up', () => {
  const of = recorded()
  const events = [...eachEvent(of.events)]
  const [from, to] = longest(events)
  const before = events.slice(0, from + 4)
  const next = (cpu: number): TraceEvent => ({
    event: 'mm_page_alloc',
    time: 0,
    cpu,
    pid: FREER,
    comm: 'freer',
    context: 0,
    pfn: 4000,
    order: 4,
    migratetype: 1,
    gfpFlags: 0,
  })
  expect(to - from).toBeGreaterThan(8)
  expect(replayed([...before, next(1)], of).misses).toEqual([])
  expect(replayed([...before, next(0)], of).misses).toEqual([['burst-given-up', 1]])
})

const by = (pid: number, comm = 'task') => ({ time: 0, cpu: 0, pid, comm, context: 0 })
const free = (pid: number, pfn: number, comm?: string): TraceEvent => ({
  event: 'mm_page_free',
  ...by(pid, comm),
  pfn,
  order: 0,
})
const drained = (pid: number, pfn: number): TraceEvent => ({
  event: 'mm_page_pcpu_drain',
  ...by(pid),
  pfn,
  order: 0,
  migratetype: 1,
})

/** Name of each row, and how many pages were drained at it. */
function rowsOf(...events: TraceEvent[]): string[] {
  const names = Object.fromEntries(Object.entries(Op).map(([name, op]) => [op, name]))
  const script = scriptOf(
    recordingOf(
      events.map((event, at) => ({ ...event, time: at * 1000 })),
      { release: '6.12.107' },
    ),
  )
  return Array.from({ length: script.length }, (_, row) => {
    const pages = script.drainEnd[row]! - script.drainStart[row]!
    return `${names[script.op[row]!]}${pages === 0 ? '' : ` ${pages}`}`
  })
}

test('what a task drains is no bulk free of the task that ran before it', () => {
  expect(rowsOf(free(7, 64), drained(7, 65), drained(7, 66))).toEqual(['free 2', 'none'])
  expect(rowsOf(free(7, 64), drained(8, 65), drained(8, 66))).toEqual(['free', 'none 2', 'none'])
})

test('what a task drains on another CPU is no part of its bulk free', () => {
  expect(rowsOf(free(7, 64), drained(7, 65), { ...drained(7, 66), cpu: 1 })).toEqual([
    'free 1',
    'none 1',
    'none',
    'none',
  ])
})

test('an interrupt that frees on top of a bulk free is no act of the task', () => {
  const interrupt: TraceEvent = { ...free(7, 80), context: 2 } as TraceEvent
  expect(rowsOf(free(7, 64), drained(7, 65), interrupt, drained(7, 66))).toEqual([
    'free 1',
    'free',
    'bulkFreeResumed 1',
    'none',
  ])
  expect(rowsOf(free(7, 64), drained(7, 65), free(7, 80), drained(7, 66))).toEqual(['free 1', 'free 1', 'none'])
})

test('without pids, what another CPU does ends no bulk free', () => {
  const nameless = ({ pid: _, comm: __, ...event }: TraceEvent): TraceEvent => event as TraceEvent
  const elsewhere: TraceEvent = { ...free(7, 80), cpu: 1 } as TraceEvent
  const events = [free(7, 64), drained(7, 65), elsewhere, drained(7, 66)].map(nameless)
  expect(rowsOf(...events)).toEqual(['free 2', 'free', 'none', 'none'])
  const timed = events.map((event, at) => ({ ...event, time: at * 1000 }))
  expect(scriptOf(recordingOf(timed, { release: '7.2.12' })).moved).toEqual([])
})

/** Task 7 takes a page from the buddy, or from a list, of this type. */
const locked = (pfn: number, migratetype: number): TraceEvent => ({
  event: 'mm_page_alloc_zone_locked',
  ...by(7),
  pfn,
  order: 0,
  migratetype,
})
const allocated = (pfn: number, migratetype: number): TraceEvent => ({
  event: 'mm_page_alloc',
  ...by(7),
  pfn,
  order: 0,
  migratetype,
  gfpFlags: 0,
})
/** On another CPU the block of page 64, of the type `was`, is claimed. */
const claimed = (was: number, becomes: number): TraceEvent => ({
  event: 'mm_page_alloc_extfrag',
  ...by(8),
  cpu: 1,
  pfn: 65,
  allocOrder: 0,
  fallbackOrder: 3,
  allocMigratetype: becomes,
  fallbackMigratetype: was,
  changeOwnership: true,
})

test('direct reclaim asks for a drain, though another task runs before it drains', () => {
  const end: TraceEvent = { event: 'mm_vmscan_direct_reclaim_end', ...by(8), nrReclaimed: 1 }
  expect(rowsOf(end, free(7, 64), drained(8, 65), free(7, 66), drained(8, 67))).toEqual([
    'free',
    'drainRequest',
    'remotePage',
    'free',
    'remotePage',
    'none',
  ])
  expect(rowsOf(end, free(8, 64), drained(8, 65))).toEqual(['free 1', 'none'])
})

test('a page that compaction frees, and frees again, went back to its own pages first', () => {
  const kcompactd = 'kcompactd0'
  expect(rowsOf(free(9, 64, kcompactd), free(9, 64, kcompactd), drained(9, 64))).toEqual([
    'none',
    'none',
    'compactionTook',
    'free 1',
    'none',
  ])
  expect(rowsOf(free(9, 64), free(9, 64))).toEqual(['free', 'free', 'none'])
})

test('a page that compaction frees, and nobody sees again, went back to it too: another was moved into it', () => {
  expect(rowsOf(free(9, 64, 'kcompactd0'))).toEqual(['none', 'none', 'none'])
  expect(rowsOf(free(9, 64))).toEqual(['free', 'none'])
})

test('compaction frees one by one what it moved: a page that it frees in a batch was in nobody’s use any more', () => {
  const batched: TraceEvent = { event: 'mm_page_free_batched', ...by(9), comm: 'kcompactd0', pfn: 64 }
  expect(rowsOf(free(9, 64, 'kcompactd0'), batched, drained(9, 64))).toEqual(['none', 'none', 'free 1', 'none'])
  expect(rowsOf(free(9, 64, 'kcompactd0'), drained(9, 64))).toEqual(['compactionTook', 'free 1', 'none'])
})

test('a page freed in a batch goes to the list of the type that its block has then; before 6.10, had when it was announced', () => {
  const batched: TraceEvent = { event: 'mm_page_free_batched', ...by(7), pfn: 64 }
  const typeOf = (release: string) => {
    const events = [free(7, 64), claimed(1, 0), batched].map((event, row) => ({ ...event, time: row * 1000 }))
    const { op, migratetype, length } = scriptOf(recordingOf(events, { release }))
    return [...migratetype.slice(0, length)].filter((_, row) => op[row] === Op.free)
  }
  expect(typeOf('6.12.107')).toEqual([0])
  expect(typeOf('7.2.12')).toEqual([0])
  expect(typeOf('6.1.192')).toEqual([1])
  expect(typeOf('5.10.223')).toEqual([1])
})

test('before 6.0 a request looks for CPUs with pages when it queues its first work, not when it is made', () => {
  const at = (cpu: number, pid: number) => ({ time: 0, cpu, pid, comm: 'task', context: 0 })
  const queue: TraceEvent = {
    event: 'workqueue_queue_work',
    ...at(0, 7),
    work: 1n,
    function: 'drain_local_pages_wq',
    workqueue: 'mm_percpu_wq',
    reqCpu: 1,
    poolCpu: 1,
  }
  const events: TraceEvent[] = [
    { event: 'drain_all_pages', ...at(0, 7), zone: 0n },
    // CPU 1 has no page until now.
    { event: 'mm_page_free', ...at(1, 8), pfn: 64, order: 0 },
    queue,
  ]
  const { run } = infer(scriptOf(recordingOf(events.map((event, row) => ({ ...event, time: row * 1000 })))))
  expect(run.interruptions).toEqual({ 1: 1 })
})

test('a page handed out again was on the list of that type, whatever its block was thought to be', () => {
  const other: TraceEvent = { event: 'mm_page_alloc', ...by(7), pfn: 65, order: 0, migratetype: 0, gfpFlags: 0 }
  const again: TraceEvent = { event: 'mm_page_alloc', ...by(7), pfn: 64, order: 0, migratetype: 2, gfpFlags: 0 }
  const script = scriptOf(recordingOf([other, free(7, 64), again].map((event, at) => ({ ...event, time: at * 1000 }))))
  expect(script.migratetype[1]).toBe(2)
  expect(script.tally.map(({ cause }) => cause)).toContain('type-from-alloc')
})

test('what a block was when the trace began is what its first event tells: from 6.10 on a refill, a drain or a fallback', () => {
  const typeAtStart = (release: string, ...events: TraceEvent[]) =>
    scriptOf(
      recordingOf(
        events.map((event, row) => ({ ...event, time: row * 1000 })),
        { release },
      ),
    ).blockTypes[0]
  // Drained, 64 is of the type of its block by then: MOVABLE.
  expect(typeAtStart('6.12.107', claimed(2, 1), drained(7, 64))).toBe(2)
  expect(typeAtStart('7.2.12', locked(66, 0), claimed(2, 1), drained(7, 64))).toBe(0)
  expect(typeAtStart('6.12.107', drained(7, 64), claimed(2, 1))).toBe(1)
  // Before, a page keeps its list’s type until it is drained, and what is refilled may be of another.
  expect(typeAtStart('6.1.192', locked(66, 0), claimed(2, 1), drained(7, 64))).toBe(1)
})

test('a page from before the trace lay on the list of what its block was then, though the block was claimed since', () => {
  // A refill shows that the MOVABLE list was empty. 64 then is drained as MOVABLE, as its block is by now.
  const events = [
    locked(1024, 1),
    locked(1025, 1),
    allocated(1024, 1),
    claimed(0, 1),
    free(7, 1024),
    drained(7, 1024),
    drained(7, 64),
  ]
  const fromBefore = (release: string) => {
    const timed = events.map((event, row) => ({ ...event, time: row * 1000 }))
    return infer(scriptOf(recordingOf(timed, { release, batch: 1, high: 1, count: 1 }))).run.initial.entries[0]!
  }
  expect([...fromBefore('6.12.107').slice(0, 3)]).toEqual([1, 0, 0])
  expect([...fromBefore('7.2.12').slice(0, 3)]).toEqual([1, 0, 0])
  // Before 6.10 the recorded type is that of its list.
  expect([...fromBefore('6.1.192').slice(0, 3)]).toEqual([0, 0, 0])
})

test('one page from the buddy went past an empty list only while another CPU drains; else it is a refill of one', () => {
  const on = (cpu: number, pid: number) => ({ time: 0, cpu, pid, comm: 'task', context: 0 })
  const page = (pfn: number) => ({ pfn, order: 0, migratetype: 1 })
  const taken = (...pfns: number[]): TraceEvent[] => [
    ...pfns.map((pfn): TraceEvent => ({ event: 'mm_page_alloc_zone_locked', ...on(0, 7), ...page(pfn) })),
    { event: 'mm_page_alloc', ...on(0, 7), ...page(pfns[0]!), gfpFlags: 0 },
  ]
  const alloc = (pfn: number): TraceEvent => ({ event: 'mm_page_alloc', ...on(0, 7), ...page(pfn), gfpFlags: 0 })
  // A refill of four, all of which are used: the list is known, and empty.
  const before = [...taken(100, 101, 102, 103), alloc(101), alloc(102), alloc(103)]
  const request: TraceEvent = { event: 'drain_all_pages', ...on(1, 8), zone: 0n }
  const drains: TraceEvent = { event: 'mm_page_pcpu_drain', ...on(1, 8), ...page(500) }
  const seenElsewhere: TraceEvent = { event: 'mm_page_free', ...on(1, 8), pfn: 600, order: 0 }
  const run = (...events: TraceEvent[]) => {
    const timed = [...before, ...events].map((event, row) => ({ ...event, time: row * 1000 }))
    const { misses, cpus } = infer(scriptOf(recordingOf(timed, { release: '6.1.192', batch: 4, high: 20 }))).run
    return {
      past: misses.get('past-the-list') ?? 0,
      size: misses.get('refill-size') ?? 0,
      of: cpus[0]!.refills.recorded,
    }
  }
  const quiet = run(...taken(200))
  expect(quiet).toMatchObject({ past: 0, size: 1 })
  expect(run(request, drains, ...taken(200))).toEqual({ past: 1, size: 0, of: quiet.of - 1 })
  expect(run(request, drains, seenElsewhere, ...taken(200))).toEqual(quiet)
})
