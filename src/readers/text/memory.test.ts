import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { eachEvent, type TraceEvent } from '#events'
import { ftraceText, perfScript } from './index.ts'

/** The readers remember heads, forms of payloads and texts. What they remember must not show. */
const traces = join(import.meta.dirname, '../../../traces')

const linesOf = (pattern: string, most: number): string[] =>
  globSync(join(traces, pattern)).flatMap((file) =>
    readFileSync(file, 'latin1')
      .split('\n')
      // With its file's name damaged, a line is of another file.
      .filter((line) => /\[\d{3}\].* \d+\.\d+:/.test(line) && !/^\S+\.dat:/.test(line))
      .slice(0, most),
  )

const formats = [
  { format: ftraceText, lines: linesOf('text/{5.10,6.1,7.2,trace-cmd,handmade}/*.txt', 40) },
  {
    format: perfScript,
    lines: linesOf('{perf-6.1-s/perf-script*,formats/perf-script/{period,misc,handmade/*}}.txt', 120),
  },
]

type Format = (typeof formats)[number]['format']

function read(format: Format, lines: readonly string[]): { events: TraceEvent[]; skipped: number } {
  const bytes = Buffer.from(`${lines.join('\n')}\n`, 'latin1')
  const { events, lines: counts, gfpNames = {} } = format.read({ name: 'a.txt', bytes })
  // A flag that no table knows has the next free bit: which one hangs on those before it.
  const free = Object.values(gfpNames).reduce((sum, bit) => sum | bit, 0)
  const known = (event: TraceEvent) =>
    'gfpFlags' in event ? { ...event, gfpFlags: (event.gfpFlags! & ~free) >>> 0 } : event
  return { events: [...eachEvent(events)].map(known), skipped: counts!.total - counts!.events - counts!.comments }
}

/** A line with up to two bytes of it damaged. */
const damaged = (line: string) =>
  fc
    .array(fc.tuple(fc.nat(line.length - 1), fc.constantFrom(...' =()[]:.-x09afn\t\r')), { maxLength: 2 })
    .map((damage) => damage.reduce((text, [at, by]) => text.slice(0, at) + by + text.slice(at + 1), line))
    // Without stamp and CPU, a line may be the rest of the one before it.
    .filter((text) => /\d\.\d{6}(?:\d{3})?[:\]]|\[\d{1,5}\](?: |$)/.test(text))

/** A few lines as they are, from which to remember something, then the same again and again with damage. */
const anyLines = (lines: readonly string[]) =>
  fc
    .array(fc.constantFrom(...lines), { minLength: 1, maxLength: 3 })
    .chain((some) =>
      fc.array(fc.oneof(...some.map(damaged)), { minLength: 1, maxLength: 24 }).map((changed) => [...some, ...changed]),
    )

test.each(formats)('a line of $format.id says the same whatever stood before it', ({ format, lines }) => {
  const [first] = lines
  // The first line tells the second from which times count.
  const alone = (line: string) => read(format, [first!, line])
  fc.assert(
    fc.property(anyLines(lines), (some) => {
      const together = read(format, [first!, ...some])
      const each = some.map(alone)
      expect(together.events.slice(1)).toEqual(each.flatMap(({ events }) => events.slice(1)))
      expect(together.skipped).toBe(each.reduce((sum, { skipped }) => sum + skipped, 0))
    }),
    { numRuns: 200 },
  )
})

const head = '          <idle>-0       [001] d.h1.  1389.104249: '
const rcu = 'rcu_invoke_callback: '
const alloc = 'mm_page_alloc: page='
const rest = 'order=0 migratetype=0 gfp_flags=GFP_KERNEL'

test.each([
  ['keys where there were none', `${rcu}rcu_sched rhp=0xff func=f`, `${rcu}rcuname=rcu_sched rhp=0xff func=f`],
  ['no page where there was one', `${alloc}0x1 pfn=5 ${rest}`, `${alloc}(nil) pfn=0 ${rest}`],
  [
    'a page of zeros where there was one',
    `${alloc}00000000655a573f pfn=5 ${rest}`,
    `${alloc}0000000000000000 pfn=0 ${rest}`,
  ],
  ['a module where there was none', 'kfree: call_site=f+0x1/0x2 ptr=0xff', 'kfree: call_site=f+0x1/0x2 [m] ptr=0xff'],
  [
    'flags beyond their column',
    `${alloc}0x1 pfn=5 ${rest}`,
    `${alloc}0x1 pfn=5 order=0 migratetype=0 gfp_flags=GFP_KERNEL|0x1ffffffff`,
  ],
  ['a module behind a callback', `${rcu}rcu_sched rhp=0xff func=f`, `${rcu}rcu_sched rhp=0xff func=f [m]`],
  ['words in brackets by their place', 'rcu_stall_warning: rcu_sched self', 'rcu_stall_warning: rcu_sched [m] self'],
  [
    'a value beyond its column',
    `${alloc}0x1 pfn=5 ${rest}`,
    `${alloc}0x1 pfn=5 order=999 migratetype=0 gfp_flags=GFP_KERNEL`,
  ],
  ['more behind the end', 'mm_page_free: page=0x1 pfn=5 order=0', 'mm_page_free: page=0x1 pfn=5 order=0 more=1'],
  ['Start and End turned', 'rcu_dyntick: Start 1 0 0x10', 'rcu_dyntick: End 1 0 0x10'],
])('%s', (_, before, line) => {
  const [, event] = read(ftraceText, [head + before, head + line]).events
  const [alone] = read(ftraceText, [head + line]).events
  expect(event).toEqual(alone)
})

test.each([
  ['an address where there was none', 'Start context switch', 'Start context switch ffffffff81638677 some_symbol'],
  ['a place before the payload where there was none', 'Start context switch', '(f+0x12) Start context switch'],
])('%s, by perf script', (_, before, after) => {
  const line = (payload: string) => `  perf 503 [001] 11.550080: rcu:rcu_utilization: ${payload}`
  const [, event] = read(perfScript, [line(before), line(after)]).events
  expect(event).toEqual(read(perfScript, [line(after)]).events[0])
  expect(event).toMatchObject({ s: 'Start context switch' })
})

test.each(formats)(
  'a line of $format.id that ends early is read with its rest, or by itself',
  ({ format, lines: [line] }) => {
    const events = (...some: string[]) => read(format, some).events
    const [first] = events(line!)
    for (let at = 0; at <= line!.length; at++) {
      const halves = [line!.slice(0, at), line!.slice(at)]
      const alone = halves.flatMap((half) => events(line!, half).slice(1))
      const found = events(line!, ...halves, line!)
      const ways = [
        [first, ...alone, first],
        [first, first, first],
      ]
      expect(ways, `cut at ${at}`).toContainEqual(found)
    }
  },
)

test('a comm with brackets of its own is read as what it is', () => {
  const line = (cpu: string) => `  a [${cpu}] 5 [002]  11.000000: kmem:mm_page_free: page=0x1 pfn=5 order=0`
  const cpus = read(perfScript, [line('001'), line('00x')]).events.map(({ cpu }) => cpu)
  expect(cpus).toEqual(
    [...read(perfScript, [line('001')]).events, ...read(perfScript, [line('00x')]).events].map(({ cpu }) => cpu),
  )
})
