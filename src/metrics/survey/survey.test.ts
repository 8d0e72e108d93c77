import { describe, expect, test } from 'vitest'
import { EventBuilder, eachEvent, lossesOf, type Recording, type TraceEvent } from '#events'
import { migratetypeName, parseRelease, unknownMachine } from '#kernel'
import { readCapture } from '#readers'
import { survey } from './index.ts'

type Told = TraceEvent extends infer E ? (E extends TraceEvent ? Omit<E, 'time'> & { time?: number } : never) : never

/** The events in the order told, 1 µs apart unless they say when. */
function surveyOf(events: readonly Told[], over: Partial<Recording> = {}, kernel = '6.1.0') {
  const builder = new EventBuilder()
  for (const [at, event] of events.entries()) builder.addEvent({ time: at * 1000, ...event } as TraceEvent)
  const release = parseRelease(kernel)
  return survey({
    name: 'story',
    format: 'test',
    resolutionNs: 1,
    events: builder.finish(),
    machine: { ...unknownMachine, ...(release === undefined ? {} : { release }), cpus: [0, 1] },
    tally: [],
    ...over,
  })
}

const alloc = (cpu: number, pfn: number, order = 0, comm = 'cc'): Told => ({
  event: 'mm_page_alloc',
  cpu,
  pid: 7,
  comm,
  pfn,
  order,
  migratetype: 1,
  gfpFlags: 0xcc0,
})
const free = (cpu: number, pfn: number, order = 0): Told => ({
  event: 'mm_page_free',
  cpu,
  comm: 'cc',
  pid: 8,
  pfn,
  order,
})
const locked = (cpu: number, pfn: number, order = 0): Told => ({
  event: 'mm_page_alloc_zone_locked',
  cpu,
  comm: 'cc',
  pfn,
  order,
  migratetype: 1,
  percpuRefill: true,
})
const drain = (cpu: number, pfn: number): Told => ({
  event: 'mm_page_pcpu_drain',
  cpu,
  comm: 'cc',
  pfn,
  order: 0,
  migratetype: 1,
})
const fallback = (fallbackOrder: number): Told => ({
  event: 'mm_page_alloc_extfrag',
  cpu: 0,
  comm: 'cc',
  pfn: 1,
  allocOrder: 0,
  fallbackOrder,
  allocMigratetype: 0,
  fallbackMigratetype: 1,
  changeOwnership: fallbackOrder > 8,
})

describe('pages', () => {
  test('a free that came by a batch is one free, and a block of order 3 is eight pages', () => {
    const { pages, processes } = surveyOf([
      alloc(0, 8, 3),
      alloc(0, 0),
      free(0, 0),
      { event: 'mm_page_free_batched', cpu: 0, comm: 'cc', pfn: 0 },
      free(0, 8, 3),
    ])
    expect(pages).toMatchObject({ allocs: 2, pagesAllocated: 9, frees: 2, pagesFreed: 9, freesBatched: 1 })
    expect(pages!.byOrder).toMatchObject([
      { order: 0, pagesAllocated: 1, byMigratetype: { MOVABLE: 1 } },
      { order: 3, pagesAllocated: 8, pagesFreed: 8 },
    ])
    expect(processes).toMatchObject([{ comm: 'cc', pids: 2, pagesAllocated: 9, pagesFreed: 9, freesBatched: 1 }])
  })

  test('a block freed in parts matches page by page; page 0 and CPU 0 are a page and a CPU', () => {
    const { pages } = surveyOf([alloc(0, 0, 2), free(1, 2, 1), free(0, 0), free(0, 1)])
    expect(pages!.matching).toEqual({
      matched: 4,
      crossCpu: 2,
      neverSeen: 0,
      alreadyFree: 0,
      reallocated: 0,
      aliveAtEnd: 0,
    })
  })

  test('by CPU, order, process and time: who frees what was allocated elsewhere', () => {
    const { pages } = surveyOf([alloc(0, 0, 2), alloc(1, 8, 0, 'sh'), free(1, 2, 1), free(0, 0), free(1, 8)])
    expect(pages!.cpuFlows).toMatchObject({
      matrix: [
        { allocatedOn: 0, freedOn: { 0: 1, 1: 2 }, frees: { 0: 1, 1: 1 } },
        { allocatedOn: 1, freedOn: { 1: 1 }, frees: { 1: 1 } },
      ],
      byOrder: [
        { order: 0, pages: 2, crossCpu: 0 },
        { order: 1, pages: 2, crossCpu: 2 },
      ],
      byFreeing: [{ comm: 'cc', pages: 4, crossCpu: 2 }],
      byAllocating: [
        { comm: 'cc', pages: 3, crossCpu: 2 },
        { comm: 'sh', pages: 1, crossCpu: 0 },
      ],
    })
    expect(surveyOf([alloc(0, 0), free(0, 9)]).pages!.cpuFlows).toBeUndefined()
  })

  test.each([
    ['pages-6.1-s', '45.9'],
    ['drain-6.1-s', '57.6'],
    ['pages-7.2-s', '35.6'],
    ['drain-7.2-s', '32.6'],
  ])('%s: %s per cent of the frees are on another CPU, however they are counted', async (capture, percent) => {
    const recording = await readCapture(`traces/${capture}`)
    const { cpuFlows, matching } = survey(recording).pages!
    // Page by page: the CPU that allocated each.
    const owner = new Map<number, number>()
    const frees = { all: 0, away: 0 }
    for (const event of eachEvent(recording.events)) {
      if (event.event !== 'mm_page_alloc' && event.event !== 'mm_page_free') continue
      if (event.event === 'mm_page_free' && owner.has(event.pfn)) {
        frees.all++
        frees.away += Number(owner.get(event.pfn) !== event.cpu)
      }
      for (let pfn = event.pfn; pfn < event.pfn + 2 ** event.order; pfn++)
        if (event.event === 'mm_page_alloc') owner.set(pfn, event.cpu)
        else owner.delete(pfn)
    }
    expect(((100 * frees.away) / frees.all).toFixed(1)).toBe(percent)
    const sums = (of: 'freedOn' | 'frees') => {
      const all = cpuFlows!.matrix.flatMap((row) => Object.values(row[of])).reduce((a, b) => a + b, 0)
      const own = cpuFlows!.matrix.reduce((sum, row) => sum + (row[of][row.allocatedOn] ?? 0), 0)
      return { all, away: all - own }
    }
    expect(sums('frees')).toEqual(frees)
    expect(sums('freedOn')).toEqual({ all: matching.matched, away: matching.crossCpu })
    for (const rows of [cpuFlows!.byOrder, cpuFlows!.byFreeing, cpuFlows!.byAllocating, cpuFlows!.overTime])
      expect(rows.reduce((sum, { crossCpu }) => sum + crossCpu, 0)).toBe(matching.crossCpu)
  })

  test('unmatched frees and second allocations are distinguished', () => {
    const { pages, quality } = surveyOf([free(0, 5), free(0, 5), alloc(0, 6), alloc(0, 6), alloc(0, 7)])
    expect(pages!.matching).toMatchObject({ neverSeen: 1, alreadyFree: 1, reallocated: 1, aliveAtEnd: 2 })
    expect(quality.unmatchedFrees.pages).toBe(2)
    expect(quality.verdict.join('\n')).toContain('2 pages alive at the end are an estimate, not leaks')
  })

  test('by call site: a stack belongs to the event before it, of its task and context', () => {
    const stack = (cpu: number, caller: string, more = {}): Told => ({
      event: 'kernel_stack',
      cpu,
      pid: 7,
      comm: 'cc',
      caller,
      ...more,
    })
    // As the kernel records it, for the process that it interrupted.
    const inInterrupt = { pid: 7, context: 2 }
    const { pages, lists } = surveyOf([
      alloc(0, 8, 3),
      alloc(1, 0),
      stack(1, 'g'),
      // An interrupt comes between the event and its stack.
      { ...free(0, 100), ...inInterrupt } as Told,
      stack(0, 'irq', inInterrupt),
      stack(0, 'f'),
      alloc(0, 1),
      { ...free(0, 101), ...inInterrupt } as Told,
      stack(0, 'f'),
      // Lost: whose stack that is, nobody knows.
      alloc(0, 2),
      { event: 'lost', cpu: 0, count: 3 },
      stack(0, 'f'),
      free(1, 8, 2),
      stack(1, 'g', { pid: 8 }),
      // Allocated again, so the free was missed.
      alloc(1, 1),
      stack(1, 'g'),
      stack(1, 'stray'),
    ])
    const sums = { allocs: 0, pagesAllocated: 0, frees: 0, pagesFreed: 0, failures: 0 }
    expect(pages!.byCallSite).toEqual([
      { callSite: 'f', ...sums, allocs: 2, pagesAllocated: 9, pagesAliveAtEnd: 4 },
      { callSite: 'g', ...sums, allocs: 2, pagesAllocated: 2, frees: 1, pagesFreed: 4, pagesAliveAtEnd: 2 },
      { ...sums, allocs: 1, pagesAllocated: 1, frees: 1, pagesFreed: 1, pagesAliveAtEnd: 1 },
      { callSite: 'irq', ...sums, frees: 1, pagesFreed: 1, pagesAliveAtEnd: 0 },
    ])
    expect(pages!.byCallSite!.reduce((sum, row) => sum + row.pagesAliveAtEnd, 0)).toBe(pages!.matching.aliveAtEnd)
    expect(lists).toBeUndefined()
    expect(surveyOf([alloc(0, 8)]).pages!.byCallSite).toBeUndefined()
  })

  test('stacks between the pages of a refill or a drain end neither', () => {
    const stack: Told = { event: 'kernel_stack', cpu: 0, comm: 'cc', caller: 'f' }
    const { lists } = surveyOf([locked(0, 1), stack, locked(0, 2), stack, drain(0, 3), stack, drain(0, 4), stack])
    expect(lists).toMatchObject({ refills: { count: 1, total: 2 }, drains: { count: 1, total: 2 } })
  })

  test('a failed allocation is no page', () => {
    const { pages } = surveyOf([
      { event: 'mm_page_alloc_failed', cpu: 0, comm: 'cc', order: 4, migratetype: 0, gfpFlags: 0xcc0 },
    ])
    expect(pages).toMatchObject({ allocs: 0, pagesAllocated: 0, failures: 1 })
    expect(pages!.byMigratetype).toMatchObject([{ name: 'UNMOVABLE', failures: 1, pagesAllocated: 0 }])
  })

  test('migratetypes are named as the recording kernel numbers them', () => {
    expect([0, 1, 2, 3].map((type) => migratetypeName(type, { release: parseRelease('6.1.0')! }))).toEqual([
      'UNMOVABLE',
      'MOVABLE',
      'RECLAIMABLE',
      'HIGHATOMIC',
    ])
    expect([1, 2, 3].map((type) => migratetypeName(type, { release: parseRelease('4.3.0')! }))).toEqual([
      'RECLAIMABLE',
      'MOVABLE',
      'RESERVE',
    ])
    expect(migratetypeName(1, { release: parseRelease('4.4.0')! })).toBe('MOVABLE')
    expect(surveyOf([alloc(0, 1)], {}, '4.3.0').pages!.byMigratetype[0]!.name).toBe('RECLAIMABLE')
  })
})

describe('lists', () => {
  test('what another CPU does in between splits no run', () => {
    const { lists } = surveyOf([
      locked(0, 1),
      drain(1, 9),
      locked(0, 2),
      drain(1, 8),
      locked(0, 3),
      alloc(1, 3),
      drain(1, 7),
    ])
    expect(lists!.refills).toMatchObject({ count: 1, total: 3 })
    expect(lists!.drains).toMatchObject({ count: 2, total: 3, max: 2 })
    expect(lists!.perCpu).toEqual([
      { cpu: 0, refills: 1, refillPages: 3, drains: 0, drainedPages: 0 },
      { cpu: 1, refills: 0, refillPages: 0, drains: 2, drainedPages: 3 },
    ])
  })

  test('a fallback belongs to its refill; another order, and a page for no list, do not', () => {
    const direct: Told = { ...locked(0, 64, 5), percpuRefill: false } as Told
    const { lists } = surveyOf([locked(0, 1), fallback(2), locked(0, 2), locked(0, 8, 3), direct])
    expect(lists!.refills).toMatchObject({ count: 2, total: 10 })
    expect(lists!.directPages).toBe(32)
  })

  test('5.10 does not store percpu_refill: order 0 is a refill', () => {
    const bare = (order: number): Told => ({
      event: 'mm_page_alloc_zone_locked',
      cpu: 0,
      pfn: 64,
      order,
      migratetype: 1,
    })
    expect(surveyOf([bare(0), bare(2)]).lists).toMatchObject({ refills: { count: 1, total: 1 }, directPages: 4 })
  })
})

test('fallbacks: severe up to order 3, moderate below a pageblock, a whole pageblock fragments nothing', () => {
  const { fragmentation } = surveyOf([fallback(0), fallback(3), fallback(4), fallback(8), fallback(9), fallback(10)])
  expect(fragmentation).toMatchObject({ events: 6, fragmenting: 4, severe: 2, moderate: 2, changedOwnership: 2 })
  expect(fragmentation!.byMigratetypes).toMatchObject([{ for: 'UNMOVABLE', from: 'MOVABLE', whole: 2 }])
})

describe('slab', () => {
  const take = (cpu: number, ptr: bigint, callSite = 'here+0x1'): Told => ({
    event: 'kmem_cache_alloc',
    cpu,
    comm: 'cc',
    callSite,
    ptr,
    bytesReq: 90,
    bytesAlloc: 100,
    gfpFlags: 0xcc0,
  })
  const give = (cpu: number, ptr: bigint, cacheName = 'filp'): Told => ({
    event: 'kmem_cache_free',
    cpu,
    comm: 'cc',
    callSite: 'there+0x2',
    ptr,
    cacheName,
  })

  test('ping-pong is an object freed on another CPU; waste is bytes taken and not asked for', () => {
    const { slab } = surveyOf([
      take(0, 0xffff888000001000n),
      take(0, 0xffff888000002000n),
      give(1, 0xffff888000001000n),
      give(0, 0xffff888000002000n),
    ])
    expect(slab!.byCallSite).toMatchObject([
      { callSite: 'here+0x1', allocs: 2, pingPong: 1, waste: 0.1, aliveAtEnd: 0 },
    ])
    expect(slab!.matching).toMatchObject({ matched: 2, crossCpu: 1 })
  })

  test('an allocation takes the name its free has, and gives it to those of its call site and size', () => {
    const { slab } = surveyOf([take(0, 1n), give(0, 1n), take(0, 2n), take(0, 3n, 'elsewhere')])
    expect(slab!.byCache).toMatchObject([
      { cache: 'filp', allocs: 2, aliveAtEnd: 1, frees: 1 },
      { cache: '(unnamed, 100 B)', allocs: 1, aliveAtEnd: 1 },
    ])
  })

  test('kfree(NULL) frees nothing, and an address used again without a free is told', () => {
    const { slab, quality } = surveyOf([take(0, 1n), take(0, 1n), { event: 'kfree', cpu: 0, callSite: 'x', ptr: 0n }])
    expect(slab).toMatchObject({ frees: 0, matching: { nulls: 1, reallocated: 1, aliveAtEnd: 1 } })
    expect(quality).toMatchObject({ kfreeNull: 1, reallocated: { objects: 1 } })
  })

  test('allocations that failed, by cache and by call site', () => {
    const asked = { cpu: 0, comm: 'cc', callSite: 'here', bytesReq: 90, bytesAlloc: 96, gfpFlags: 0xcc0 }
    const { slab } = surveyOf([
      { event: 'kmalloc_failed', ...asked },
      { event: 'kmem_cache_alloc_failed', ...asked },
      { event: 'kmem_cache_alloc_failed', ...asked, cacheName: 'filp' },
    ])
    expect(slab).toMatchObject({ allocs: 0, failures: 3, byCallSite: [{ callSite: 'here', failures: 3 }] })
    expect(slab!.byCache.map(({ cache, failures }) => [cache, failures])).toEqual([
      ['kmalloc, 96 B', 1],
      ['(unnamed, 96 B)', 1],
      ['filp', 1],
    ])
  })

  test('by process: who allocates and who frees', () => {
    const { slab } = surveyOf([
      { ...take(0, 64n), comm: 'a' } as Told,
      { ...take(0, 128n), comm: 'a' } as Told,
      { ...give(1, 64n), comm: 'b' } as Told,
      { event: 'kfree', cpu: 1, comm: 'b', callSite: 'x', ptr: 0n },
    ])
    expect(slab!.byProcess).toMatchObject([
      { comm: 'a', allocs: 2, frees: 0 },
      { comm: 'b', allocs: 0, frees: 1 },
    ])
    expect(slab!.byProcess[0]!.bytesAlloc).toBe(slab!.bytesAlloc)
  })

  test('thousands of addresses are kept apart', () => {
    const ptr = (at: number): bigint => 0xff11000000000000n + BigInt(at) * 64n
    const { slab } = surveyOf([
      ...Array.from({ length: 5000 }, (_, at) => take(0, ptr(at))),
      ...Array.from({ length: 4999 }, (_, at) => give(1, ptr(at))),
    ])
    expect(slab!.matching).toMatchObject({ matched: 4999, crossCpu: 4999, neverSeen: 0, aliveAtEnd: 1 })
  })
})

describe('RCU', () => {
  const gp = (time: number, cpu: number, gpSeq: number, gpevent: string): Told => ({
    event: 'rcu_grace_period',
    time,
    cpu,
    comm: 'cc',
    rcuname: 'rcu_sched',
    gpSeq,
    gpevent,
  })

  test('grace periods: length, gap, and whose report came last', () => {
    const { rcu } = surveyOf([
      gp(0, 0, 5, 'end'),
      gp(10, 0, 9, 'start'),
      gp(20, 1, 9, 'cpuqs'),
      gp(30, 0, 5, 'cpuqs'),
      gp(50, 0, 9, 'end'),
      gp(55, 0, 13, 'start'),
      gp(60, 0, 13, 'cpuqs'),
      gp(70, 0, 13, 'fqsend'),
      gp(80, 0, 13, 'end'),
      gp(90, 0, 17, 'start'),
    ])
    expect(rcu!.gracePeriods).toMatchObject([
      {
        flavour: 'rcu_sched',
        count: 2,
        unfinished: 2,
        lengthNs: { min: 25, max: 40 },
        gapNs: { count: 3, min: 5, max: 10 },
        lastReport: [
          { by: 'CPU 1', count: 1 },
          { by: 'the scan for idle CPUs', count: 1 },
        ],
      },
    ])
  })

  test('callbacks match by rcu_head, also one that is queued again', () => {
    const queue = (time: number): Told => ({
      event: 'rcu_callback',
      time,
      cpu: 0,
      rcuname: 'r',
      rhp: 64n,
      func: 'f',
      qlen: 1,
    })
    const invoke = (time: number, rhp: bigint): Told => ({
      event: 'rcu_invoke_callback',
      time,
      cpu: 1,
      rcuname: 'r',
      rhp,
      func: 'f',
    })
    const { rcu } = surveyOf([queue(0), invoke(10, 64n), queue(20), invoke(50, 64n), invoke(60, 128n)])
    expect(rcu!.callbacks).toMatchObject({ queued: 2, invoked: 3, unmatched: 1 })
    expect(rcu!.callbacks!.byFunction).toMatchObject([{ function: 'f', latencyNs: { count: 2, min: 10, max: 30 } }])
  })
})

test('losses make totals lower bounds, and a silent CPU is named', () => {
  const { quality } = surveyOf([alloc(0, 1), { event: 'lost', cpu: 0, count: 12 }, free(0, 1)])
  expect(quality.silentCpus).toEqual([1])
  expect(quality.verdict[0]).toBe('Totals are lower bounds: at least 12 events were lost in 1 gap.')
})

test.each(['pages', 'drain'].flatMap((what) => ['5.10', '6.1', '6.12', '7.2'].map((kernel) => `${what}-${kernel}-s`)))(
  '%s: pages add up',
  async (name) => {
    const recording = await readCapture(`traces/${name}`)
    const { tables } = recording.events
    const found = survey(recording)
    const pagesOf = (column: { readonly data: unknown }): number =>
      (column.data as Uint8Array).reduce((sum, order) => sum + 2 ** order, 0)
    const { pages, lists, processes } = found
    const { matching } = pages!
    expect(pages!.pagesAllocated).toBe(pagesOf(tables.mm_page_alloc.column.order))
    expect(pages!.pagesFreed).toBe(pagesOf(tables.mm_page_free.column.order))
    expect(pages!.pagesFreed).toBe(matching.matched + matching.neverSeen + matching.alreadyFree)
    expect(pages!.pagesAllocated).toBe(matching.matched + matching.reallocated + matching.aliveAtEnd)
    for (const rows of [pages!.byOrder, pages!.byMigratetype, pages!.byGfp, processes!])
      expect(rows.reduce((sum, row) => sum + row.pagesAllocated, 0)).toBe(pages!.pagesAllocated)
    expect(lists!.refills!.total + lists!.directPages).toBe(pagesOf(tables.mm_page_alloc_zone_locked.column.order))
    expect(lists!.drains!.total).toBe(pagesOf(tables.mm_page_pcpu_drain.column.order))
    expect(processes!.reduce((sum, row) => sum + row.refills, 0)).toBe(lists!.refills!.count)
    expect(processes!.reduce((sum, row) => sum + row.drainedPages, 0)).toBe(lists!.drains!.total)
    expect(found.quality.losses).toEqual(lossesOf(recording.events))
    expect(found.slab).toBeUndefined()
    expect(found.rcu).toBeUndefined()
  },
)

test.each(['5.10', '6.1', '6.12'])('kvfree-%s-s: bulk frees and those one by one are all there', async (kernel) => {
  const recording = await readCapture(`traces/kvfree-${kernel}-s`)
  const { tables } = recording.events
  const { rcu } = survey(recording)
  expect(rcu!.kvfreeBulk!.count).toBe(tables.rcu_invoke_kfree_bulk_callback.length)
  expect(rcu!.callbacks!.invoked).toBe(tables.rcu_invoke_callback.length + tables.rcu_invoke_kvfree_callback.length)
  // What kvfree_rcu() frees in its own work is in no batch.
  expect(rcu!.callbacks!.batches!.total).toBe(tables.rcu_invoke_callback.length)
  expect(rcu!.gracePeriods[0]!.count).toBeGreaterThan(5)
  // What was queued is freed one way or the other; a few objects are left at the end.
  const { queued, inBulk, oneByOne } = rcu!.kvfree!
  expect(queued).toBe(tables.kvfree_call_rcu.length)
  expect(Math.abs(queued - inBulk - oneByOne) / queued).toBeLessThan(0.001)
})
