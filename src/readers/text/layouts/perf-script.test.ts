import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { eachEvent, type TraceEvent } from '#events'
import { TraceError } from '#kernel/messages'
import type { ReadTrace } from '../../format.ts'
import { formats } from '../../index.ts'
import { perfScript } from '../index.ts'

const traces = join(import.meta.dirname, '../../../../traces')
const samples = join(traces, 'formats/perf-script')
const read = (text: string | Uint8Array): ReadTrace =>
  perfScript.read({ name: 'perf.txt', bytes: typeof text === 'string' ? Buffer.from(text) : text }) as ReadTrace
const events = (text: string): TraceEvent[] => [...eachEvent(read(text).events)]
const causes = ({ tally }: ReadTrace) => Object.fromEntries(tally.map(({ cause, count }) => [cause, count]))
/** Causes that are not about lines. */
const BESIDE = [
  'time-backwards',
  'prefixed-line',
  'unread-payload',
  'unread-other-payload',
  'unknown-gfp-flag',
  'assumed-gfp-bits',
  'unended-line',
]

function checkLaw(trace: ReadTrace): void {
  const { total, comments, events: eventLines } = trace.lines!
  const skipped = trace.tally.filter(({ cause }) => !BESIDE.includes(cause)).reduce((sum, { count }) => sum + count, 0)
  expect(comments + eventLines + skipped).toBe(total)
  expect(trace.events.length).toBe(eventLines)
}

const FREE = 'page=0x740d pfn=0x740d order=0'

test('a line is read by its fields', () => {
  const [event] = events(`       perf-exec   505 [003]    11.551495037:              kmem:mm_page_free: ${FREE}\n`)
  expect(event).toEqual({
    event: 'mm_page_free',
    time: 551495037,
    cpu: 3,
    pid: 505,
    comm: 'perf-exec',
    pfn: 0x740d,
    order: 0,
  })
})

test.each([
  ['pid/tid', '   a b [1] 77/505   [003]    11.551495: kmem:mm_page_free: ', { pid: 505, comm: 'a b [1]' }],
  [
    'a comm with dashes and digits',
    'kworker/u8:2-ev 7 505 [003] 11.551495: kmem:mm_page_free: ',
    { comm: 'kworker/u8:2-ev 7' },
  ],
  ['no comm', '  505 [003] 11.551495: kmem:mm_page_free: ', { pid: 505, comm: undefined }],
  ['no tid', '   perf-exec [003] 11.551495: kmem:mm_page_free: ', { pid: undefined, comm: 'perf-exec' }],
  ['neither', '[003] 11.551495: kmem:mm_page_free: ', { pid: undefined, comm: undefined }],
  ['an unknown comm', '   :505   505 [003] 11.551495: kmem:mm_page_free: ', { pid: 505, comm: undefined }],
  ['a task on its way out', '   :-1    -1 [003] 11.551495: kmem:mm_page_free: ', { pid: undefined, comm: undefined }],
  ['an idle CPU', 'swapper     0 [003] 11.551495: kmem:mm_page_free: ', { pid: 0, comm: '<idle>' }],
  ['the period', 'sh 505 [003] 11.551495:          1 kmem:mm_page_free: ', { pid: 505, comm: 'sh' }],
  ['the column misc', 'sh 505 [003] K        11.551495: kmem:mm_page_free: ', { pid: 505, comm: 'sh' }],
  ['a modifier', 'sh 505 [003] 11.551495: kmem:mm_page_free:k: ', { pid: 505 }],
  ['the old prefix', 'sh 505 [003] 11.551495: kmem:mm_page_free: (__free_pages_ok+0x12) ', { pid: 505 }],
])('a head with %s', (_, head, spine) => {
  const whole = { event: 'mm_page_free', time: 551495000, cpu: 3, pfn: 0x740d, order: 0 }
  for (const tail of ['', ' ffffffff81638677 free_one', '     7f0012345678 [unknown] (/bin/sh)', ' ffffffff81638677']) {
    expect(perfScript.sniff(Buffer.from(`${head}${FREE}${tail}\n`))).toBe(true)
    const [event] = events(`${head}${FREE}${tail}\r\n`)
    expect(event).toMatchObject(whole)
    expect({ pid: event?.pid, comm: event?.comm }).toMatchObject(spine)
  }
})

test('what perf appends is taken off a payload that is kept as text', () => {
  const line = (tail: string) => `sh 5 [001] 1.000001: probe:thing: (ffffffff8116b644) nr=12345678${tail}\n`
  for (const tail of ['', ' ffffffff81638677 some_symbol+0x1a ([kernel.kallsyms])', ' ffffffff81638677 some_symbol']) {
    expect(events(line(tail))).toMatchObject([{ name: 'thing', fields: '(ffffffff8116b644) nr=12345678' }])
  }
})

test('call chains, records and other events are skipped and counted', () => {
  const trace = read(
    [
      'churn   505 [000]    11.551495: kmem:mm_page_free: page=0x1 pfn=0x1 order=0',
      '\tffffffff811fadef __free_pages+0x3f ([kernel.kallsyms])',
      '\t    7f12345678ab [unknown] (/bin/churn)',
      '',
      'churn   505 [000]    11.551496: PERF_RECORD_COMM exec: churn:505/505',
      'churn   505 [001]    11.551497: PERF_RECORD_LOST lost 55',
      'churn   505 [000]    11.551498:     250000 cycles:ppp: ',
      'churn   505 [000]    11.551498:     250000 cpu-clock: ',
      '0 0x930 [0x70]: PERF_RECORD_LOST lost 12',
      'Processed 20 events and lost 3 chunks!',
      'Hello.',
      '',
    ].join('\n'),
  )
  checkLaw(trace)
  expect(trace.lines).toEqual({ total: 11, comments: 1, events: 2 })
  expect([...eachEvent(trace.events)]).toMatchObject([
    { event: 'mm_page_free', pid: 505 },
    { event: 'lost', time: 551497000, cpu: 1, count: 55 },
  ])
  expect(causes(trace)).toEqual({
    'stack-line': 2,
    'perf-record-line': 1,
    'other-sample': 2,
    'lost-line': 2,
    'mail-line': 1,
  })
})

test('a text cut in the middle of an event says so', () => {
  const whole = `churn   505 [000]    11.551495: kmem:mm_page_free: ${FREE}\n`
  for (let size = 1; size < whole.length - 1; size++) {
    const trace = read(whole + whole.slice(0, size))
    checkLaw(trace)
  }
  expect(causes(read(whole + whole.slice(0, 30)))).toEqual({ 'truncated-line': 1 })
})

test('whatever bytes are changed, every line is accounted for', () => {
  const whole = readFileSync(join(traces, 'perf-6.1-s/perf-script-ns-head.txt'))
  let seed = 7
  const random = (below: number) => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0
    return Math.floor((seed / 2 ** 32) * below)
  }
  for (let round = 0; round < 100; round++) {
    const bytes = Uint8Array.from(whole)
    for (let flips = 0; flips < 200; flips++) bytes[random(bytes.length)] = random(256)
    checkLaw(read(bytes))
  }
})

test('one endless line is skipped', () => {
  const line = `churn   505 [000]    11.551495: kmem:mm_page_free: ${FREE}\n`
  const trace = read(`${line}${'[0] '.repeat(2_000_000)}\n${line}`)
  checkLaw(trace)
  expect(causes(trace)).toEqual({ 'overlong-line': 1 })
  expect(trace.events.length).toBe(2)
})

// What perf 6.1 itself printed, in many ways.

const printed = readdirSync(samples).filter((name) => name.endsWith('.txt'))

test.each(printed)('%s: every line is a comment, an event or a counted skip', (name) => {
  const bytes = readFileSync(join(samples, name))
  expect(perfScript.sniff(bytes.subarray(0, 65536))).toBe(true)
  if (name.startsWith('no-')) {
    const error = (() => {
      try {
        return read(bytes)
      } catch (reason) {
        return reason
      }
    })()
    expect(error).toBeInstanceOf(TraceError)
    expect((error as TraceError).message).toMatch(/no CPU or no time[\s\S]*perf script --ns -F comm,tid,cpu/)
    return
  }
  const trace = read(bytes)
  checkLaw(trace)
  expect(causes(trace)['unparsed-line']).toBeUndefined()
  // All are heads of the same trace.
  expect(trace.events.length).toBe(name === 'dump.txt' ? 12 : 60)
  const names = (of: ReadTrace) =>
    [...eachEvent(of.events)].map((event) => ('name' in event ? event.name : event.event))
  const all = names(read(readFileSync(join(samples, 'default.txt'))))
  expect(names(trace)).toEqual(all.slice(0, trace.events.length))
})

test.each([
  ['callchain', { 'stack-line': 5 }, ['mm_page_free', 'mm_page_alloc']],
  ['ip-sym', {}, ['mm_page_free', 'kmalloc']],
  ['rhel7', {}, ['kmalloc', 'kfree']],
])('handmade/%s.txt: every line is a comment, an event or a counted skip', (name, skipped, kinds) => {
  const trace = read(readFileSync(join(samples, `handmade/${name}.txt`)))
  checkLaw(trace)
  expect(causes(trace)).toEqual(skipped)
  expect([...eachEvent(trace.events)].map(({ event }) => event)).toEqual(kinds)
})

test('a printed header tells the kernel', () => {
  expect(read(readFileSync(join(samples, 'header.txt'))).uname).toBe('Linux (none) 6.1.192 x86_64')
})

test('no format takes another’s text', () => {
  const others = ['5.10', '6.1', '7.2'].flatMap((version) =>
    readdirSync(join(traces, 'text', version)).map((name) => join(traces, 'text', version, name)),
  )
  const heads = [
    ...printed.map((name) => join(samples, name)),
    join(traces, 'perf-6.1-s/perf-script-head.txt'),
    join(traces, 'pages-6.1-s/trace.txt'),
    ...others,
  ]
  for (const file of heads) {
    const head = readFileSync(file).subarray(0, 65536)
    const takers = formats.filter(({ sniff }) => sniff(head)).map(({ id }) => id)
    const isPerf = /perf/.test(file.slice(traces.length))
    expect({ file, takers }).toEqual({ file, takers: isPerf ? ['perf script'] : takers.slice(0, 1) })
    if (!isPerf) expect({ file, takers }).not.toEqual({ file, takers: ['perf script'] })
  }
})
