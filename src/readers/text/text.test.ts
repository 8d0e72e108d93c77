import { execFileSync, spawnSync } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { countByName, type Events, eachEvent, eventAt, lossesOf, type TraceEvent } from '#events'
import { formatGfp, parseRelease } from '#kernel'
import { TraceError } from '#kernel/messages'
import type { ReadTrace, TraceFormat, TraceSource } from '../format.ts'
import { readCapture } from '../index.ts'
import { traceDat } from '../trace-dat/index.ts'
import { babeltraceText, ftraceText, skippedLines, traceCmdReport } from './index.ts'
import { differences } from './testing/same-events.ts'

const traces = join(import.meta.dirname, '../../../traces')
const bytesOf = (path: string): Uint8Array => readFileSync(join(traces, path))

const formats = [ftraceText, traceCmdReport, babeltraceText]
function formatOf(bytes: Uint8Array): TraceFormat {
  const willing = formats.filter(({ sniff }) => sniff(bytes.subarray(0, 65536)))
  expect(willing.length, 'exactly one format takes it').toBe(1)
  return willing[0]!
}

async function readBytes(bytes: Uint8Array, name = 'a.txt', capture?: string): Promise<ReadTrace> {
  const release = capture === undefined ? undefined : parseRelease(readFileSync(join(traces, capture, 'uname'), 'utf8'))
  const source: TraceSource = release === undefined ? { name, bytes } : { name, bytes, release }
  const trace = await formatOf(bytes).read(source)
  expectLaw(trace, bytes)
  return trace
}

const read = (text: string): Promise<ReadTrace> => readBytes(Buffer.from(text))
const readDat = async (capture: string): Promise<Events> =>
  (await traceDat.read({ name: capture, bytes: bytesOf(`${capture}/trace.dat`) })).events
const eventsOf = async (text: string): Promise<TraceEvent[]> => [...eachEvent((await read(text)).events)]

/** lines = comments + lines that gave an event + skipped lines */
function expectLaw({ lines, tally }: ReadTrace, bytes: Uint8Array): void {
  const skipped = tally.filter(({ cause }) => cause in skippedLines).reduce((sum, { count }) => sum + count, 0)
  const text = Buffer.from(bytes).toString('latin1')
  const total = text.split('\n').length - (text.endsWith('\n') || text === '' ? 1 : 0)
  expect(lines!.total).toBe(total)
  expect(lines!.comments + lines!.events + skipped).toBe(total)
}

const causes = ({ tally }: ReadTrace): Record<string, number> =>
  Object.fromEntries(tally.map(({ cause, count }) => [cause, count]))

const alloc = (more = ''): string =>
  `            bash-8436    [001] d.h1.  1389.104249: mm_page_alloc: page=00000000655a573f pfn=0x14b17b order=0 migratetype=1 gfp_flags=GFP_KERNEL${more}\n`

/** 5.10 stores no percpu_refill, so its text says more than its trace.dat; text without flag columns holds no context. */
const blindTo = (capture: string, ...fields: string[]): string[] =>
  capture.includes('5.10') ? [...fields, 'percpuRefill'] : fields

test.each(['drain-5.10-s', 'pages-6.1-s', 'drain-7.2-s'])(
  '%s: trace-cmd report -t has the events of trace.dat',
  async (capture) => {
    const text = gunzipSync(bytesOf(`formats/${capture}.report.txt.gz`))
    const trace = await readBytes(text, capture, capture)
    const dat = await readDat(capture)
    const blind = { resolutionNs: 1, fields: blindTo(capture, 'context') }
    expect(trace.format).toBe('trace-cmd report text')
    expect(trace.resolutionNs).toBe(1)
    expect(trace.tally).toEqual([])
    expect(differences(trace.events, dat, blind, false)).toEqual([])

    const rare = (events: Events) =>
      Object.entries(countByName(events)).filter(([name]) =>
        /^(drain_all|mm_vmscan|mm_page_alloc_extfrag|workqueue)/.test(name),
      )
    expect(rare(trace.events)).toEqual(rare(dat))
    expect(trace.events.tables.mm_page_alloc_failed.length).toBe(dat.tables.mm_page_alloc_failed.length)
  },
)

const hasTraceCmd = spawnSync('trace-cmd', ['list', '-h']).error === undefined
test.skipIf(!hasTraceCmd).each(['drain-6.1-s', 'pages-6.12-s', 'kvfree-6.1-s'])(
  '%s: the whole of what trace-cmd prints here',
  async (capture) => {
    const text = execFileSync('trace-cmd', ['report', '-t', join(traces, capture, 'trace.dat')], { maxBuffer: 2 ** 30 })
    const { events, tally } = await readBytes(text, capture, capture)
    expect(tally).toEqual([])
    const dat = await readDat(capture)
    expect(events.length).toBe(dat.length)
    // Events of no kind are text, and each program has its own. The four flags of rcu_batch_end it prints as `>c<>c<>c<>c<`.
    const fields = ['context', 'fields', 'cb', 'nr', 'iit', 'risk']
    expect(differences(events, dat, { resolutionNs: 1, fields }, true)).toEqual([])
  },
)

test.each(['pages-5.10-s', 'pages-6.1-s', 'pages-6.12-s', 'pages-7.2-s'])(
  '%s: ftrace’s text has the first events of trace.dat, to the µs',
  async (capture) => {
    const trace = await readBytes(bytesOf(`${capture}/trace.txt`), capture, capture)
    expect(trace.format).toBe('ftrace text')
    expect(trace.resolutionNs).toBe(1000)
    expect(trace.tally).toEqual([])
    expect(trace.events.length).toBeGreaterThan(5900)
    expect(
      differences(trace.events, await readDat(capture), { resolutionNs: 1000, fields: blindTo(capture) }, true),
    ).toEqual([])
  },
)

test('on 5.10 the text says that a single page refills the per-CPU list', async () => {
  const { events } = await readBytes(bytesOf('pages-5.10-s/trace.txt'))
  for (const event of eachEvent(events)) {
    if (event.event === 'mm_page_alloc_zone_locked') expect(event.percpuRefill).toBe(event.order === 0)
  }
})

const samples = globSync('text/*/*.txt', { cwd: traces }).sort()
const refused = /clock-(?:counter|uptime|x86-tsc)|nocontext-info|raw-option|raw-ts|babeltrace2-cycles/

test.each(samples.filter((sample) => !refused.test(sample)))('%s: every line is accounted for', async (sample) => {
  const trace = await readBytes(bytesOf(sample), sample)
  expect(trace.events.length).toBeGreaterThan(1)
  const wrong = trace.tally.filter(({ level, cause }) => level !== 'note' && cause !== 'overwritten-events')
  expect(wrong).toEqual([])
  const others = [...eachEvent(trace.events)].filter(({ event }) => event === 'other')
  expect(others.map((event) => (event as { name?: string }).name)).toEqual(
    sample.endsWith('babeltrace2.txt') ? ['sched_switch'] : [],
  )
})

test.each(samples.filter((sample) => refused.test(sample) && !/cycles/.test(sample)))(
  '%s is refused with advice',
  (sample) => {
    expect(() => ftraceText.read({ name: sample, bytes: bytesOf(sample) })).toThrow(TraceError)
    expect(() => ftraceText.read({ name: sample, bytes: bytesOf(sample) })).toThrow(
      /record with a clock|options\/context-info|options\/raw/,
    )
  },
)

test.each(['5.10', '6.1', '7.2'])('%s: latency format and verbose tell what the usual text does', async (kernel) => {
  const [usual, latency, verbose] = await Promise.all(
    ['default', 'latency-format', 'verbose'].map((option) => readBytes(bytesOf(`text/${kernel}/${option}.txt`))),
  )
  expect(causes(latency!)).toEqual({ 'relative-stamps': 1 })
  expect(causes(verbose!)).toEqual({})
  // Three runs of one workload: the first steps of the shell are the same, at other addresses.
  const steps = ({ events }: ReadTrace) =>
    [...eachEvent(events)]
      .flatMap((event) => (event.event === 'kmalloc' && event.comm === 'sh' ? [event] : []))
      .slice(0, 2)
      .map(({ time: _, ptr: __, cpu: ___, ...same }) => same)
  const site = (trace: ReadTrace) => steps(trace).at(-1)
  expect(site(latency!)).toEqual(site(verbose!))
  expect(site(latency!)).toMatchObject({ comm: 'sh', bytesReq: 64, context: 0 })
  for (const trace of [usual!, latency!, verbose!]) {
    const { time, length } = trace.events
    for (let row = 1; row < length; row++) expect(time[row]!).toBeGreaterThanOrEqual(time[row - 1]!)
  }
})

test('verbose: the clock’s own stamp, and the context out of the flag bits', async () => {
  const [event] = await eventsOf(
    `# tracer: nop\n      CPU 0/KVM   4594   3 17 00010001 0000001f [004de81f] 14.685ms (+0.275ms): mm_page_free: page=0 pfn=12 order=3\n`,
  )
  expect(event).toEqual({
    event: 'mm_page_free',
    time: 105695000,
    cpu: 3,
    pid: 4594,
    comm: 'CPU 0/KVM',
    context: 8 | 1,
    pfn: 12,
    order: 3,
  })
})

test('6.1 with real pointers: flags that it does not print are absent, not none; a line that ends there is cut', async () => {
  const text = bytesOf('text/6.1/nohash-ptr.txt').toString()
  const trace = await readBytes(Buffer.from(text))
  expect(causes(trace)).toEqual({ 'gfp-not-printed': trace.events.length - 2 })
  const alloc = [...eachEvent(trace.events)].find(({ event }) => event === 'kmalloc')
  expect(alloc).toMatchObject({ ptr: 0xff1100000529a480n, bytesReq: 64, node: -1 })
  expect(alloc).not.toHaveProperty('gfpFlags')
  const cut = text.slice(0, text.lastIndexOf('gfp_flags=') + 'gfp_flags='.length)
  expect(causes(await readBytes(Buffer.from(cut)))).toMatchObject({ 'truncated-line': 1 })
})

test('babeltrace2 with clock cycles, of which it does not tell the length, is refused with advice', async () => {
  await expect(readCapture(join(traces, 'text/handmade/babeltrace2-cycles.txt'))).rejects.toThrow(
    'print it with --clock-seconds',
  )
})

test('every text of reference has its sample: what is particular in each', async () => {
  const of = async (name: string) => [...eachEvent((await readBytes(bytesOf(`text/${name}.txt`), name)).events)]
  const comms = (await of('handmade/comms')).map(({ comm }) => comm)
  expect(comms).toEqual(['CPU 0/KVM', 'irq/144-iwlwifi', 'android.bg', 'f2fs_gc-254:40', undefined, 'Web: Content'])
  expect((await of('handmade/preempt-rt')).map(({ comm, cpu, context }) => [comm, cpu, context])).toEqual([
    ['bash', 1, 0],
    ['ksoftirqd/1', 1, 1],
    ['irq/144-iwlw', 3, 8 | 2],
    ['rcu_preempt', 2, 8 | 4 | 2],
  ])
  expect(await of('handmade/serial-crlf')).toMatchObject([
    { callSite: 'memleak_task_test+0x70 [memleak]', bytesReq: 60 },
    { event: 'kfree' },
    { event: 'mm_page_alloc', pfn: 1339002 },
    { event: 'mm_page_free', pfn: 1339002, order: 0 },
  ])
  expect(await of('handmade/old-kernel')).toMatchObject([
    { event: 'mm_page_alloc', pfn: 1356155, migratetype: 2 },
    { event: 'mm_page_alloc_failed', order: 4 },
    { event: 'mm_page_free', pfn: 1356155 },
    { event: 'mm_page_free_batched', pfn: 1356154 },
    { event: 'kmalloc', recordedAs: 'kmalloc_node', callSite: '0xffffffff811970d2', gfpFlags: 0xdc0, node: -1 },
    { event: 'kfree', ptr: 0n },
    { event: 'rcu_callback', func: '0xffffffff811970d2' },
  ])
  const lost = (await of('handmade/buffer-started')).filter(({ event }) => event === 'lost')
  expect(lost.map(({ cpu }) => cpu)).toContain(1)
  expect((await of('trace-cmd/instance')).filter(({ event }) => event === 'lost')).toMatchObject([
    { cpu: 0, count: 13_007 },
  ])
  const [plain, diff] = [await of('trace-cmd/drain-5.10-plain'), await of('trace-cmd/drain-5.10-ts-diff')]
  expect(plain).toEqual(diff)
  expect((await of('trace-cmd/newer-flags')).map(({ context: _, ...event }) => event)).toEqual(
    plain.slice(0, 5).map(({ context: _, ...event }) => event),
  )
  expect((await of('trace-cmd/two-files')).map(({ comm }) => comm)).toContain('sh')
  const [tai] = await of('7.2/clock-tai')
  expect(tai!.time).toBeLessThan(1e9)
  for (const clock of ['seconds', 'date', 'perf']) {
    const events = await of(`handmade/babeltrace2-${clock}`)
    for (let at = 1; at < events.length; at++) expect(events[at]!.time).toBeGreaterThan(events[at - 1]!.time)
    expect(events[0]).toMatchObject({ event: 'kmalloc' })
  }
})

test('a dump on the console: events among the kernel’s other lines', async () => {
  const trace = await readBytes(bytesOf('text/handmade/dump.txt'))
  expect(causes(trace)).toEqual({ 'console-line': 5, 'prefixed-line': 7, 'relative-stamps': 1 })
  const events = [...eachEvent(trace.events)]
  expect(events.map(({ event, cpu, comm, context }) => [event, cpu, comm, context])).toEqual([
    ['lost', 0, undefined, undefined],
    ['rcu_invoke_callback', 0, 'rcuop/0', 8],
    ['rcu_grace_period', 13, 'rcu_pree', 8],
    ['rcu_callback', 1, '<idle>', 1],
    ['rcu_utilization', 1, 'CPU 0/KV', 8 | 2],
    ['rcu_watching', 1, '<idle>', 8],
    ['kfree', 1, 'kworker/', 0],
  ])
  expect(events[1]!.time).toBe(782125000)
})

test('a trace out of a mail: quoted, wrapped, with prose between', async () => {
  const trace = await readBytes(bytesOf('text/handmade/mail.txt'))
  expect(trace.format).toBe('ftrace text, out of a mail')
  expect(causes(trace)).toEqual({ 'mail-line': 7, 'wrapped-line': 4, 'prefixed-line': 4 })
  expect([...eachEvent(trace.events)]).toMatchObject([
    { event: 'kmem_cache_free', callSite: '__fput+0x141', ptr: 0x655a573fn, cacheName: 'lsm_file_cache' },
    { event: 'kmalloc', bytesAlloc: 192, gfpFlags: 0x400dc0, node: -1, accounted: true },
    { event: 'rcu_batch_start', qlen: 7, blimit: 10 },
    { event: 'rcu_invoke_callback', rhp: 0x6a881152n, func: 'file_free_rcu' },
  ])
})

test('babeltrace2: LTTng’s names are ours, midnight passes, contexts give the task', async () => {
  const trace = await readBytes(bytesOf('text/handmade/babeltrace2.txt'))
  expect(trace.format).toBe('babeltrace2 text')
  expect(causes(trace)).toEqual({})
  const events = [...eachEvent(trace.events)]
  expect(events.map(({ event, cpu, time }) => [event, cpu, time])).toEqual([
    ['kmalloc', 2, 358770825],
    ['kmem_cache_alloc', 2, 358774101],
    ['kfree', 0, 1000000210],
    ['mm_page_alloc', 3, 1000000899],
    ['mm_page_alloc_failed', 3, 1000001034],
    ['rcu_utilization', 1, 1000002000],
    ['other', 1, 1000002100],
  ])
  expect(events[0]).toMatchObject({ callSite: '0xffffffff9e65af6b', ptr: 0xffff9421ead7c300n, gfpFlags: 20971712 })
  expect(events[0]!.pid).toBeUndefined()
  expect(events[2]).toMatchObject({ pid: 4312, comm: 'Web Content', ptr: 0n })
  expect(events[5]).toMatchObject({ s: 'Start context switch' })
  expect(events[6]).toMatchObject({ name: 'sched_switch', fields: 'prev_comm=a prev_tid=1 next_comm=b' })
})

test.each([
  ['', 1389],
  ['[1499451535.348185796] (+0.1) ', 1499451535],
  ['[1499451535.348185796] host ', 1499451535],
  ['[2017-07-07 18:18:55.348185796] host ', 1499451535],
])('babeltrace2: stamps %j', async (head, zero) => {
  const start = head === '' ? '[00:23:09.000000001] (+?.?????????) ' : head
  const trace = await read(`${start}kmem:kfree: { cpu_id = 2 }, { call_site = 0xFFFFFFFF9E65AF6B, ptr = 0x10 }\n`)
  expect(trace.events.zero).toBe(zero)
  expect(eventAt(trace.events, 0)).toMatchObject({ event: 'kfree', ptr: 16n })
})

test.each([
  ['12442 0 1506300472483 type: 653\n', /options\/raw/],
  ['6b 00 00 00 2a 5c 00 00 00 00 00 00\n', /options\/raw/],
  ['kmalloc: call_site=f+0x1/0x2 ptr=1\n', /context-info/],
])('%j is refused with advice', (line, advice) => {
  const bytes = Buffer.from(`# tracer: nop\n#\n${line}${line}`)
  expect(ftraceText.sniff(bytes)).toBe(true)
  expect(() => ftraceText.read({ name: 'a.txt', bytes })).toThrow(advice)
})

test.each(['kvfree-7.2-l-t', 'drain-6.1-l'])('%s: trace-cmd report -l has the events of trace.dat', async (sample) => {
  const capture = `${/^\w+-[\d.]+/.exec(sample)![0]}-s`
  const trace = await readBytes(bytesOf(`text/trace-cmd/${sample}.txt`), sample, capture)
  const resolutionNs = sample.endsWith('-t') ? 1 : 1000
  // comms are cut to eight characters
  const blind = { resolutionNs, fields: ['context', 'comm', 'cb', 'nr', 'iit', 'risk'] }
  expect(differences(trace.events, await readDat(capture), blind, false)).toEqual([])
})

test('trace-cmd report -R has the events of trace.dat, flags and all', async () => {
  const trace = await readBytes(bytesOf('text/trace-cmd/kvfree-6.1-R.txt'), 'a', 'kvfree-6.1-s')
  const blind = { resolutionNs: 1000, fields: ['context'] }
  expect(differences(trace.events, await readDat('kvfree-6.1-s'), blind, false)).toEqual([])
})

test('what trace_pipe lost stands before the next event', async () => {
  const { events } = await readBytes(bytesOf('text/6.1/trace_pipe-lost.txt'))
  expect(lossesOf(events)).toEqual({ gaps: 2, events: 1121 + 255, uncounted: 0 })
  const losses = [...eachEvent(events)].filter(({ event }) => event === 'lost')
  expect(losses).toEqual([
    { event: 'lost', time: eventAt(events, 1).time, cpu: 0, count: 1121 },
    { event: 'lost', time: expect.any(Number), cpu: 1, count: 255 },
  ])
})

test('an overwritten buffer begins with a loss', async () => {
  const trace = await readBytes(bytesOf('text/6.1/overwritten.txt'))
  expect(lossesOf(trace.events).events).toBe(121527 - 790)
  expect(causes(trace)['overwritten-events']).toBe(121527 - 790)
  expect(eventAt(trace.events, 0).event).toBe('lost')
})

test('losses as each program writes them', async () => {
  const events = await eventsOf(
    `CPU:1 [LOST EVENTS]\n${alloc()}CPU:0 [13007 EVENTS DROPPED]\nkmemrec: CPU:3 [2 EVENTS DROPPED]\n##### CPU 2 buffer started ####\n${alloc()}CPU:7 [LOST 9 EVENTS]\n`,
  )
  expect(events.map(({ event, cpu, ...rest }) => [event, cpu, (rest as { count?: number }).count])).toEqual([
    ['lost', 1, undefined],
    ['mm_page_alloc', 1, undefined],
    ['lost', 0, 13007],
    ['lost', 3, 2],
    ['lost', 2, undefined],
    ['mm_page_alloc', 1, undefined],
    ['lost', 7, 9],
  ])
})

test.each([
  ['bash', '            bash-8436    [001] d.h1. '],
  ['CPU 0/KVM', '       CPU 0/KVM-4594    [001] d.h. '],
  ['irq/144-iwlwifi', ' irq/144-iwlwifi-1010    [001] '],
  ['f2fs_gc-254:40', '  f2fs_gc-254:40-474     [001] dNh6 '],
  ['a [000] b', '       a [000] b-5       (    7) [001] d.h1. '],
  ['#!x', '             #!x-5       (-------) [001] d.h1.. '],
  ['bash', 'kmemrec:             bash-8436  [001] '],
  ['é-ü', '             é-ü-1       [001] .....'],
  [undefined, '           <...>-1       [001] .....'],
])('comm %j is read out of its line', async (comm, head) => {
  const [event] = await eventsOf(`# tracer: nop\n${head}  1389.104249: mm_page_free: page=0 pfn=12 order=3\n`)
  expect(event).toMatchObject({ event: 'mm_page_free', time: 104249000, cpu: 1, pfn: 12, order: 3 })
  expect(event!.comm).toBe(comm)
})

test('flags tell the context, at the column where the header puts it', async () => {
  const ruler = (lazy: string) =>
    `# tracer: nop\n#  _-----=> irqs-off\n# / _----=> need-resched\n${lazy}#| / _---=> hardirq/softirq\n`
  const context = async (flags: string, lazy = '') =>
    (await eventsOf(ruler(lazy) + alloc().replace('d.h1.', flags)))[0]!.context
  expect(await context('.....')).toBe(0)
  expect(await context('d.s1.')).toBe(8 | 1)
  expect(await context('D.H1')).toBe(8 | 3)
  expect(await context('b.z1.')).toBe(4)
  expect(await context('..Z1.')).toBe(6)
  expect(await context('d..h1..', '# | _-=> need-resched-lazy\n')).toBe(8 | 2)
})

test('stamps are exact to the nanosecond, however late', async () => {
  const at = (stamp: string) => alloc().replace('1389.104249', stamp)
  const trace = await read(at('1795213014.135400001') + at('1795213015.000000002') + at('1795213013.999999999'))
  expect(trace.events.zero).toBe(1795213014)
  expect([...trace.events.time]).toEqual([135400001, 1000000002, -1])
  // It stays where it stands, but is told of.
  expect(causes(trace)).toEqual({ 'time-backwards': 1 })
  expect(trace.resolutionNs).toBe(1)
})

test('page frame 0 is a page; no page is a failure', async () => {
  const kind = async (page: string, pfn: string) => {
    const [event] = await eventsOf(alloc().replace('page=00000000655a573f pfn=0x14b17b', `page=${page} pfn=${pfn}`))
    return [event!.event, (event as { pfn?: number }).pfn]
  }
  expect(await kind('ffd4000000000000', '0x0')).toEqual(['mm_page_alloc', 0])
  expect(await kind('(____ptrval____)', '0')).toEqual(['mm_page_alloc', 0])
  for (const nothing of ['(nil)', '(null)', '          (null)', '0000000000000000', '0x0']) {
    expect(await kind(nothing, '0x0')).toEqual(['mm_page_alloc_failed', undefined])
  }
  expect(await kind('0000000000000000', '0x12')).toEqual(['mm_page_alloc', 18])
  expect(await kind('0x1', '0xffffffffffffffff')).toEqual(['mm_page_alloc_failed', undefined])
})

test('payloads as the kernels and programs print them', async () => {
  const head = ' kworker/1:1-42    [001]     5.000000001: '
  const [queue, raw, start, drain, reclaim, fields] = await eventsOf(
    [
      'workqueue_queue_work: work struct=0xff110000129afb48 function=free_work workqueue=events req_cpu=64 cpu=4294967295',
      'workqueue_queue_work:   work=0xff110000129afb48 function=free_work workqueue=events req_cpu=64 cpu=-1',
      'workqueue_execute_start: work struct 0000000012926e28: function free_work',
      'drain_all_pages:      (drain_all_pages+0x0/0x130) zone=0xffffffff81f34300',
      'mm_vmscan_direct_reclaim_begin: [FAILED TO PARSE] gfp_flags=0x140dca memcg_id=0 order=0x9',
      'mm_page_alloc_zone_locked: page=0xff (1) pfn=0x14b17b (1356155) order=0x0 (0) migratetype=0x1 (1) percpu_refill=(1)',
    ]
      .map((payload) => `${head}${payload}\n`)
      .join(''),
  )
  const work = 0xff110000129afb48n
  const queued = { work, function: 'free_work', workqueue: 'events', reqCpu: 64 }
  expect(queue).toMatchObject({ event: 'workqueue_queue_work', ...queued })
  expect(raw).toEqual(queue)
  expect(start).toMatchObject({ event: 'workqueue_execute_start', work: 0x12926e28n, function: 'free_work' })
  expect(drain).toMatchObject({ event: 'drain_all_pages', zone: 0xffffffff81f34300n })
  expect(reclaim).toMatchObject({ event: 'mm_vmscan_direct_reclaim_begin', gfpFlags: 0x140dca, order: 9 })
  expect(fields).toMatchObject({
    event: 'mm_page_alloc_zone_locked',
    pfn: 0x14b17b,
    order: 0,
    migratetype: 1,
    percpuRefill: true,
  })
})

test('−1 as the kernel prints it of an unsigned pool number', async () => {
  const { events } = await read(
    ' k-1    [001]     5.000001: workqueue_queue_work: work struct=00000000abcd function=f workqueue=w req_cpu=64 cpu=4294967295\n',
  )
  expect(events.tables.workqueue_queue_work.column.poolCpu.data[0]).toBe(-1)
})

test('what no kind describes, or a payload that lacks a field, stays as text', async () => {
  const trace = await read(
    alloc().replace('pfn=0x14b17b', 'pfn=0x14b17z') +
      alloc().replace('mm_page_alloc:', 'lost: a=1') +
      alloc('|GFP_NEW'),
  )
  expect([...eachEvent(trace.events)].map(({ event }) => event)).toEqual(['other', 'other', 'mm_page_alloc'])
  expect(countByName(trace.events)).toEqual({ lost: 1, mm_page_alloc: 2 })
  expect(causes(trace)).toEqual({ 'unread-payload': 1, 'unknown-gfp-flag': 1 })
  expect(eventAt(trace.events, 2)).toMatchObject({ gfpFlags: 0x80000cc0 })
})

test('GFP_ATOMIC has the bits of the release, and a note where that is not known', async () => {
  const text = Buffer.from(alloc().replace('GFP_KERNEL', 'GFP_ATOMIC|__GFP_ZERO'))
  const without = await readBytes(text)
  const with612 = await readBytes(text, 'a.txt', 'pages-6.12-s')
  expect(eventAt(without.events, 0)).toMatchObject({ gfpFlags: 0xb20 })
  expect(causes(without)).toEqual({ 'assumed-gfp-bits': 1 })
  expect(eventAt(with612.events, 0)).toMatchObject({ gfpFlags: 0x920 })
  expect(causes(with612)).toEqual({})
})

test('values beyond a field’s bounds are not stored', async () => {
  for (const bad of ['pfn=0x1ffffffff', 'pfn=-1', 'pfn=', 'pfn=0x', 'pfn=99999999999999999999999999']) {
    const [event] = await eventsOf(alloc().replace('pfn=0x14b17b', bad).replace('mm_page_alloc:', 'mm_page_free:'))
    expect(event!.event).toBe('other')
  }
})

test('CRLF, NUL bytes, invalid UTF-8 and empty lines harm only their own line', async () => {
  const crlf = (alloc() + alloc()).replaceAll('\n', '\r\n')
  expect(await eventsOf(crlf)).toEqual(await eventsOf(alloc() + alloc()))
  const bytes = Buffer.concat([
    Buffer.from(alloc()),
    Buffer.from([0, 0, 0, 0]),
    Buffer.from(alloc()),
    Buffer.from([0x0a, 0xff, 0xfe, 0x80, 0x0a, 0, 0, 0x0a]),
    Buffer.from(alloc().replace('bash', 'b\xffsh'), 'latin1'),
  ])
  const trace = await readBytes(bytes)
  expect([...eachEvent(trace.events)].map(({ comm }) => comm)).toEqual(['bash', 'bash', 'b\uFFFDsh'])
  expect(causes(trace)).toEqual({ 'unparsed-line': 2 })
})

test('a line of 10 MB is skipped and counted', async () => {
  const trace = await read(`${alloc()}${'x'.repeat(10_000_000)}\n${alloc(`|${'A'.repeat(100_000)}`)}${alloc()}`)
  expect(trace.events.length).toBe(2)
  expect(causes(trace)).toEqual({ 'overlong-line': 2 })
})

test('a file cut anywhere in its last line gives all lines before it', async () => {
  const line = alloc()
  for (let length = 1; length < line.length; length++) {
    const trace = await read(line + line.slice(0, length))
    const isWhole = /gfp_flags=GFP_KERNEL$/.test(line.slice(0, length))
    const isBlank = line.slice(0, length).trim() === ''
    const cause = isWhole || isBlank ? 'unended-line' : 'truncated-line'
    expect(trace.events.length, `cut at ${length}`).toBe(isWhole ? 2 : 1)
    expect(causes(trace)).toEqual({ [cause]: 1 })
  }
})

test('a stamp far from the others is damage, not time', async () => {
  const trace = await read(
    alloc() + alloc().replace('1389.', '99999999999.') + alloc().replace('1389.104249', '13') + alloc(),
  )
  expect([...trace.events.time]).toEqual([104249000, 104249000])
  expect(causes(trace)).toEqual({ 'unparsed-line': 2 })
})

test('no format takes what is not its text', () => {
  const files = [
    '',
    '\x89PNG\r\n\x1a\n\0\0\0',
    'time,cpu,event\n1,2,lost\n',
    '# kreplay-events/1 zero=0\n',
    '{"a":1}\n',
    'PERFILE2',
    'hello\nworld\n',
  ]
  for (const text of files)
    for (const { sniff } of formats) expect(sniff(Buffer.from(text, 'latin1')), text).toBe(false)
  for (const { sniff } of formats) expect(sniff(bytesOf('pages-6.1-s/trace.dat').subarray(0, 65536))).toBe(false)
})

test('each program’s text is known without its header', () => {
  const report = gunzipSync(bytesOf('formats/drain-5.10-s.report.txt.gz')).subarray(0, 5000)
  expect(formatOf(report)).toBe(traceCmdReport)
  expect(formatOf(report.subarray(report.indexOf(0x0a) + 1))).toBe(traceCmdReport)
  expect(formatOf(bytesOf('text/6.1/trace_pipe-lost.txt'))).toBe(ftraceText)
  expect(formatOf(Buffer.from('# tracer: nop\n#\n'))).toBe(ftraceText)
})

test('a trace without events is a trace', async () => {
  expect((await read('# tracer: nop\n#\n')).events.length).toBe(0)
})

test('whatever the damage, every line is accounted for and only a TraceError is thrown', async () => {
  const damaged = ['6.1/trace_pipe-lost', '7.2/record-tgid', '7.2/verbose', 'handmade/dump', 'handmade/mail']
  const samples = damaged.map((sample) => bytesOf(`text/${sample}.txt`).subarray(0, 6000))
  const anyEdit = fc.record({
    at: fc.nat(5999),
    byte: fc.oneof(fc.nat(255), fc.constantFrom(0, 10, 13, 32, 45, 58, 61, 91, 93)),
  })
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...samples), fc.array(anyEdit, { maxLength: 60 }), async (sample, edits) => {
      const bytes = Uint8Array.from(sample)
      for (const { at, byte } of edits) if (at < bytes.length) bytes[at] = byte
      try {
        expectLaw(await ftraceText.read({ name: 'a.txt', bytes }), bytes)
      } catch (error) {
        if (!(error instanceof TraceError)) throw error
      }
    }),
    { numRuns: 300 },
  )
})

test('a gfp flag that no table knows keeps its name, and allocations with it apart from others', async () => {
  const trace = await read(alloc('|__GFP_NEW') + alloc('|__GFP_NEWER') + alloc('|__GFP_NEW') + alloc())
  const bits = [...eachEvent(trace.events)].map((event) => (event as { gfpFlags?: number }).gfpFlags)
  expect(new Set(bits).size).toBe(3)
  expect(bits[0]).toBe(bits[2])
  expect(Object.keys(trace.gfpNames ?? {})).toEqual(['__GFP_NEW', '__GFP_NEWER'])
  expect(formatGfp(bits[1]!, undefined, trace.gfpNames)).toBe('GFP_KERNEL|__GFP_NEWER')
})

test('an event that is neither kmem nor rcu leaves no total lacking where its payload can’t be read', async () => {
  const trace = await read(`${alloc()} k-1    [001] 99999.000001: mm_vmscan_kswapd_wake: nid=zero order=0\n`)
  expect(causes(trace)).toEqual({ 'unread-other-payload': 1 })
  expect(trace.tally.every(({ level }) => level === 'note')).toBe(true)
})
