/** `info` against the usual tools on the same captures: equal where they are right, and each difference explained. */
import { readFileSync } from 'node:fs'
import { beforeAll, describe, expect, test } from 'vitest'
import { type Events, eachEvent, type Recording, type TraceEvent } from '#events'
import { formatGfp } from '#kernel'
import { readCapture } from '#readers'
import { type Survey, survey } from './index.ts'

const printed = (name: string): string => readFileSync(`traces/formats/incumbents/${name}.txt`, 'utf8')

describe.each([
  ['drain-5.10-s', 8, { processes: 0, direct: 17, orders: 0, atOnce: 0 }],
  ['drain-7.2-s', 531, { processes: -2, direct: 0, orders: 0, atOnce: 152 }],
] as const)('trace-pagealloc-postprocess.pl on %s', (name, fallbacks, apart) => {
  const columns = [
    'allocs',
    'locked',
    'frees',
    'batched',
    'drained',
    'drains',
    'refills',
    'fallbacks',
    'fragmenting',
    'changed',
    'severe',
    'moderate',
    'unknown',
  ] as const
  type Row = Record<(typeof columns)[number], number>
  const table = new Map<string, Row>()
  for (const line of printed(`pagealloc-postprocess.${name}`).split('\n')) {
    const [, process, numbers] = /^(\S*-\d+) +((?:\d+ *){13})$/.exec(line) ?? []
    if (process === undefined) continue
    const values = numbers!.trim().split(/ +/).map(Number)
    table.set(process, Object.fromEntries(columns.map((column, at) => [column, values[at]!])) as Row)
  }
  const total = (column: keyof Row): number => [...table.values()].reduce((sum, row) => sum + row[column], 0)
  let events: Events
  let found: Survey
  beforeAll(async () => {
    const recording = await readCapture(`traces/${name}`)
    events = recording.events
    found = survey(recording)
  })
  const sumOf = (field: 'allocs' | 'frees' | 'freesBatched' | 'failures'): number =>
    found.processes!.reduce((sum, row) => sum + row[field], 0)

  test('events are equal, in all and by process', () => {
    expect(sumOf('allocs') + sumOf('failures')).toBe(total('allocs'))
    expect(sumOf('frees')).toBe(total('frees'))
    expect(sumOf('freesBatched')).toBe(total('batched'))
    expect(events.tables.mm_page_pcpu_drain.length).toBe(total('drained'))
    expect(events.tables.mm_page_alloc_zone_locked.length).toBe(total('locked'))
    // It names a process by the letters, digits and dashes before the CPU, so it keeps a plain name whole.
    for (const comm of ['dd', 'churn', 'sh', 'kswapd0', 'kcompactd0']) {
      const own = [...table].filter(([process]) => process.replace(/-\d+$/, '') === comm).map(([, row]) => row)
      const ours = found.processes!.find((row) => row.comm === comm)
      if (own.length === 0) continue
      const theirs = (column: keyof Row) => own.reduce((sum, row) => sum + row[column], 0)
      expect([comm, ours!.allocs + ours!.failures, ours!.frees, ours!.freesBatched]).toEqual([
        comm,
        theirs('allocs'),
        theirs('frees'),
        theirs('batched'),
      ])
    }
  })

  test('it calls events pages: a block of order n is 2^n pages, and a failed allocation is none', () => {
    const { pages } = found
    expect(pages!.pagesAllocated).toBeGreaterThan(pages!.allocs)
    expect(pages!.pagesAllocated).toBe(pages!.byOrder.reduce((sum, row) => sum + row.allocs * 2 ** row.order, 0))
    expect(total('allocs') - pages!.allocs).toBe(pages!.failures)
  })

  test('it counts a batched free twice: as pagevec, and as direct', () => {
    expect(total('frees')).toBe(found.pages!.frees)
    expect(total('batched')).toBe(found.pages!.freesBatched)
    expect(found.pages!.matching.matched + found.pages!.matching.neverSeen + found.pages!.matching.alreadyFree).toBe(
      found.pages!.pagesFreed,
    )
  })

  test('it cuts names at / : . _ < >, so kernel threads and idle CPUs fall together', () => {
    const cut = [...table.keys()].filter((process) => /^\d*-\d+$/.test(process))
    expect(cut.length).toBeGreaterThan(3)
    const whole = [...eachEvent(events)].map(processOf)
    for (const process of cut) expect(whole.some((name) => name !== process && mangled(name) === process)).toBe(true)
  })

  test('it reads no fallback: its pattern wants decimal digits and a bare page address', () => {
    expect(printed(`pagealloc-postprocess.${name}`)).toContain(
      `${fallbacks} × WARNING: Failed to parse mm_page_alloc_extfrag`,
    )
    expect(total('fallbacks')).toBe(0)
    expect(found.fragmentation!.events).toBe(fallbacks)
    expect(found.fragmentation!.severe + found.fragmentation!.moderate).toBe(found.fragmentation!.fragmenting)
  })

  test('drains and refills: its rule gives its numbers, and what changes it into ours accounts for every run', () => {
    const its = runsOf(events, { by: 'process', directAlso: true, ordersTogether: true })
    expect(its).toEqual({ drain: total('drains'), refill: total('refills') })
    // A CPU, not a process, holds a list; interrupts and idle CPUs of one name no longer mix.
    const perCpu = runsOf(events, { by: 'cpu', directAlso: true, ordersTogether: true })
    // A page taken past the lists is no refill, and ends one.
    const listsOnly = runsOf(events, { by: 'cpu', directAlso: false, ordersTogether: true })
    // Each list is of one order.
    const ours = runsOf(events, { by: 'cpu', directAlso: false, ordersTogether: false })
    // A single block that is allocated at once went past the lists too.
    const refill = ours.refill - apart.atOnce
    expect({ ...ours, refill }).toEqual({ drain: found.lists!.drains!.count, refill: found.lists!.refills!.count })
    const all = ({ drain, refill }: typeof its) => drain + refill
    expect(all(its) - all(perCpu)).toBe(apart.processes)
    expect(all(perCpu) - all(listsOnly)).toBe(apart.direct)
    expect(all(listsOnly) - all(ours)).toBe(apart.orders)
  })
})

test('trace-pagealloc-postprocess.pl is empty on today’s default text; info is not', async () => {
  expect(printed('pagealloc-postprocess.pages-6.1-s.default-text')).not.toMatch(/^\S*-\d+ +\d/m)
  const { pages, lists } = survey(await readCapture('traces/pages-6.1-s/trace.txt'))
  expect(pages!.allocs).toBeGreaterThan(1000)
  expect(lists!.refills!.count).toBeGreaterThan(10)
})

describe('perf kmem', () => {
  const page = printed('perf-kmem.page')
  const slab = printed('perf-kmem.slab')
  let recording: Recording
  let found: Survey
  beforeAll(async () => {
    recording = await readCapture('traces/perf-6.1-s')
    found = survey(recording)
  })
  const summed = (text: string, label: string): [count: number, kb: number] => {
    const [, count, kb] = new RegExp(`^${label}\\s*: +(\\d+) +\\[ +(\\d+) KB \\]`, 'm').exec(text)!
    return [Number(count), Number(kb)]
  }

  test('pages: requests, sizes and what was freed of it are equal', () => {
    const { pages } = found
    const { matching } = pages!
    expect([pages!.allocs, pages!.pagesAllocated * 4]).toEqual(summed(page, 'Total allocation requests'))
    expect([pages!.frees, pages!.pagesFreed * 4]).toEqual(summed(page, 'Total free requests'))
    expect(matching.matched * 4).toBe(summed(page, 'Total alloc\\+freed requests')[1])
    expect(matching.aliveAtEnd * 4).toBe(summed(page, 'Total alloc-only requests')[1])
    expect((matching.neverSeen + matching.alreadyFree) * 4).toBe(summed(page, 'Total free-only requests')[1])
    expect([pages!.failures, 0]).toEqual(summed(page, 'Total allocation failures'))
  })

  test('its migratetypes are those before 4.4: the counts are ours, the names of two are swapped', () => {
    const its = ['UNMOVABLE', 'MOVABLE', 'RECLAIMABLE']
    expect(page).toContain('Order     Unmovable   Reclaimable       Movable')
    for (const [, order, ...cells] of page.matchAll(/^ +(\d+) +([\d.]+) +([\d.]+) +([\d.]+) +[\d.]+ +[\d.]+$/gm)) {
      const row = found.pages!.byOrder.find((one) => one.order === Number(order))
      for (const [at, cell] of cells.entries())
        expect([order, its[at], row?.byMigratetype[its[at]!] ?? 0]).toEqual([
          order,
          its[at],
          cell === '.' ? 0 : Number(cell),
        ])
    }
    expect(page).toMatch(/17619 \| +0 \| +RECLAIM \| HUM/)
    const movable = [...eachEvent(recording.events)].filter(
      (event) => event.event === 'mm_page_alloc' && (event.gfpFlags! & 8) !== 0,
    )
    expect(movable.every((event) => (event as { migratetype: number }).migratetype === 1)).toBe(true)
  })

  test('its table of orders ends at 10; ours has what was recorded', () => {
    expect(
      Math.max(
        ...[...page.matchAll(/^ +(\d+) +[\d.]+ +[\d.]+ +[\d.]+ +[\d.]+ +[\d.]+$/gm)].map(([, order]) => Number(order)),
      ),
    ).toBe(10)
    expect(found.pages!.byOrder.map(({ order }) => order)).toEqual([0, 1, 2, 3])
  })

  test('flags: sums by flags are equal; it abbreviates GFP_NOFS and __GFP_NOFAIL alike, ours are whole names', () => {
    const legend = new Map(
      [...page.matchAll(/^# ([0-9a-f]{8}): +(\S+): /gm)].map(([, bits, short]) => [short!, Number.parseInt(bits!, 16)]),
    )
    const byGfp = new Map<number, number>()
    for (const [, hits, short] of page.matchAll(/^ +\d+ \| +(\d+) \| +\d+ \| +\w+ \| (\S+) +\|/gm))
      byGfp.set(legend.get(short!)!, (byGfp.get(legend.get(short!)!) ?? 0) + Number(hits))
    expect(byGfp.size).toBe(13)
    expect(new Map(found.pages!.byGfp.map(({ gfpFlags, allocs }) => [gfpFlags, allocs]))).toEqual(byGfp)
    expect(formatGfp(0xc40, '6.1')).toBe('GFP_NOFS')
    expect(formatGfp(0x8000, '6.1')).toBe('__GFP_NOFAIL')
  })

  test('slab: bytes, and hits and bytes of each call site, are equal', () => {
    const bytes = (label: string): number => Number(new RegExp(`^Total bytes ${label}: +(\\d+)`, 'm').exec(slab)![1])
    expect(found.slab).toMatchObject({ bytesReq: bytes('requested'), bytesAlloc: bytes('allocated') })
    const ours = Object.fromEntries(
      found.slab!.byCallSite.map((row) => [row.callSite, [row.bytesAlloc, row.bytesReq, row.allocs]]),
    )
    const its = [...slab.matchAll(/^ (0x[0-9a-f]+) +\| +(\d+)\/\d+ +\| +(\d+)\/\d+ +\| +(\d+) \|/gm)]
    expect(its.length).toBeGreaterThan(30)
    expect(Object.fromEntries(its.map(([, site, ...numbers]) => [site!, numbers.map(Number)]))).toEqual(ours)
  })

  /**
   * It never forgets an object that was freed. So a free whose allocation no event told (a bulk one) counts again: as bytes freed, and
   * as ping-pong, since it has no CPU by then.
   */
  test('it frees more bytes than it allocates, and calls frees of unknown objects ping-pong', () => {
    const last = new Map<bigint, { bytes: number; cpu: number; callSite: string; live: boolean }>()
    const again = { bytes: 0, frees: 0, bySite: new Map<string, number>() }
    for (const event of eachEvent(recording.events)) {
      if (event.event === 'kmalloc' || event.event === 'kmem_cache_alloc')
        last.set(event.ptr!, { bytes: event.bytesAlloc, cpu: event.cpu, callSite: event.callSite, live: true })
      else if (event.event === 'kfree' || event.event === 'kmem_cache_free') {
        const object = last.get(event.ptr!)
        if (object === undefined) continue
        if (!object.live) {
          again.bytes += object.bytes
          again.frees++
          again.bySite.set(object.callSite, (again.bySite.get(object.callSite) ?? 0) + 1)
        }
        object.live = false
      }
    }
    const { matching, byCallSite, bytesAlloc } = found.slab!
    const freed = Number(/^Total bytes freed: +(\d+)/m.exec(slab)![1])
    const alive = byCallSite.reduce((sum, row) => sum + row.bytesAliveAtEnd, 0)
    expect(freed).toBeGreaterThan(bytesAlloc)
    expect(again.frees).toBeGreaterThan(400)
    expect(again.frees).toBeLessThanOrEqual(matching.alreadyFree)
    // One object was allocated while alive; its first bytes are neither freed nor alive.
    expect(matching.reallocated).toBe(1)
    const forgotten = bytesAlloc - alive - (freed - again.bytes)
    expect([0, ...byCallSite.map((row) => row.bytesAlloc / row.allocs)]).toContain(forgotten)

    const pingPong = [...slab.matchAll(/^ (0x[0-9a-f]+) +\|[^|]+\|[^|]+\|[^|]+\| +(\d+) \|/gm)]
    expect(pingPong.reduce((sum, [, , count]) => sum + Number(count), 0)).toBe(matching.crossCpu + again.frees)
    for (const [, site, count] of pingPong) {
      const ours = byCallSite.find((row) => row.callSite === site)!
      expect([site, ours.pingPong + (again.bySite.get(site!) ?? 0)]).toEqual([site, Number(count)])
    }
  })

  test('it knows no cache, batched free, refill or drain; these are here', () => {
    expect(`${page}${slab}`).not.toMatch(/cache|batch|drain|refill/i)
    expect(found.slab!.byCache.find(({ cache }) => cache === 'names_cache')).toMatchObject({
      allocs: 4089,
      frees: 4089,
    })
    expect(found.pages!.freesBatched).toBe(25_192)
    expect(found.lists!.refills!.count).toBeGreaterThan(10)
  })
})

const processOf = ({ comm = '<...>', pid }: TraceEvent): string => `${comm}-${pid}`
const mangled = (process: string): string => /[a-zA-Z0-9-]*$/.exec(process)![0]

interface RunRule {
  readonly by: 'process' | 'cpu'
  /** Pages taken past the lists count for refills. */
  readonly directAlso: boolean
  readonly ordersTogether: boolean
}

/** How many runs of drained and of refilled pages a rule finds: slow and obvious. */
function runsOf(events: Events, { by, directAlso, ordersTogether }: RunRule): { drain: number; refill: number } {
  const open = new Map<string, string>()
  const runs = { drain: 0, refill: 0 }
  for (const event of eachEvent(events)) {
    // By process, as the script has it: it goes on to the next line where it can't parse this one.
    if (
      event.event === 'mm_page_alloc_extfrag' &&
      (by === 'process' || open.get(String(event.cpu))?.startsWith('refill'))
    )
      continue
    const key = by === 'process' ? mangled(processOf(event)) : String(event.cpu)
    const now =
      event.event === 'mm_page_pcpu_drain'
        ? 'drain'
        : event.event === 'mm_page_alloc_zone_locked' && (directAlso || (event.percpuRefill ?? event.order === 0))
          ? `refill${ordersTogether ? '' : event.order}`
          : undefined
    if (now !== undefined && open.get(key) !== now) runs[now === 'drain' ? 'drain' : 'refill']++
    if (now === undefined) open.delete(key)
    else open.set(key, now)
  }
  return runs
}

describe('perf kmem on call chains, by the functions of 6.1 and of 6.12', () => {
  const folder = 'traces/formats/incumbents/callchains'
  const printed = readFileSync(`${folder}/perf-kmem.txt`, 'utf8')
  const names = new Map(
    [...readFileSync(`${folder}/kallsyms`, 'utf8').matchAll(/^ffffffff81(\w{6}) T (\w+)$/gm)].map(([, at, name]) => [
      Number.parseInt(at!, 16),
      name!,
    ]),
  )
  /** KB and hits by call site. It prints addresses, moved by what it takes for the kernel's place. */
  const theirs = new Map<string, [kb: number, hits: number]>()
  for (const [, kb, hits, at] of printed.matchAll(/^ +(\d+) \| +(\d+) \|.*\| ffffffff02(\w{6})$/gm)) {
    const name = names.get(Number.parseInt(at!, 16) - 0x10)!
    const [before, hitsBefore] = theirs.get(name) ?? [0, 0]
    theirs.set(name, [before + Number(kb), hitsBefore + Number(hits)])
  }
  let ours: Map<string | undefined, [kb: number, hits: number]>
  beforeAll(async () => {
    const { pages } = survey(await readCapture(folder))
    ours = new Map(pages!.byCallSite!.map((row) => [row.callSite, [row.pagesAllocated * 4, row.allocs]]))
  })
  const sumOf = (...names: string[]) =>
    names.map((name) => theirs.get(name)!).reduce(([kb, hits], [moreKb, more]) => [kb + moreKb, hits + more])

  test('callers of the functions that it knows are equal', () => {
    for (const name of ['pte_alloc_one', 'allocate_slab'])
      expect([name, ours.get(name)]).toEqual([name, theirs.get(name)])
    expect(printed).toContain('Total allocation requests     :              129   [              616 KB ]')
    expect([...ours.values()].reduce((sum, [kb]) => sum + kb, 0)).toBe(616)
  })

  test('it takes the allocator’s newer functions for callers', () => {
    expect([...theirs.keys()].filter((name) => !ours.has(name))).toEqual([
      '__folio_alloc',
      '__alloc_frozen_pages_noprof',
    ])
    expect(ours.get('do_anonymous_page')![1] + ours.get('pipe_write')![1]).toBe(
      sumOf('__folio_alloc', '__alloc_frozen_pages_noprof', 'pipe_write')[1],
    )
  })
})
