import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { eachEvent, lossesOf, type TraceEvent } from '#events'
import { TraceError } from '#kernel/messages'
import type { ReadTrace } from '../format.ts'
import { formats } from '../index.ts'
import { skippedLines } from './index.ts'
import { scriptLines } from './layouts/perf-notices.ts'
import { prefixes } from './testing/prefixes.ts'

/** What people paste: quoted, logged, listed, wrapped and encoded. */
const traces = join(import.meta.dirname, '../../../traces')
const linesOf = (path: string, most = 40): string[] =>
  readFileSync(join(traces, path), 'latin1')
    .split('\n')
    .filter((line) => line !== '')
    .slice(0, most)

function read(text: string | Uint8Array): ReadTrace {
  const bytes = typeof text === 'string' ? Buffer.from(text, 'latin1') : text
  const takers = formats.filter(({ sniff }) => sniff(bytes.subarray(0, 65536)))
  expect(takers.map(({ id }) => id)).toHaveLength(1)
  const trace = takers[0]!.read({ name: 'a.txt', bytes }) as ReadTrace
  const { total, comments, events } = trace.lines!
  const skipped = trace.tally.filter(({ cause }) => cause in skippedLines || cause in scriptLines)
  expect(comments + events + skipped.reduce((sum, { count }) => sum + count, 0)).toBe(total)
  return trace
}

const eventsOf = (trace: ReadTrace): TraceEvent[] => [...eachEvent(trace.events)]
const causes = ({ tally }: ReadTrace): Record<string, number> =>
  Object.fromEntries(tally.map(({ cause, count }) => [cause, count]))
const pasted = (name: string): ReadTrace => read(readFileSync(join(traces, 'pasted', name)))
const refusal = (text: string): string => {
  try {
    read(text)
  } catch (error) {
    if (error instanceof TraceError) return error.message
    throw error
  }
  return 'read'
}

const ALLOC = 'mm_page_alloc: page=00000000aa110000 pfn=0x200 order=0 migratetype=1 gfp_flags=GFP_USER'
const FREE = 'mm_page_free: page=00000000aa110000 pfn=0x200 order=0'
/** A loss, a stack, a buffer's begin and two events, as ftrace prints them. */
const whole = [
  `            bash-1199    [000] d..1.    12.345678: ${ALLOC}`,
  '            bash-1199    [000] d..1.    12.345679: <stack trace>',
  ' => __alloc_pages',
  ' => copy_process',
  'CPU:1 [LOST 17 EVENTS]',
  '##### CPU 2 buffer started ####',
  `         kworker-77      [001] .....    12.345690: ${FREE}`,
]
const text = (lines: readonly string[]): string => `${lines.join('\n')}\n`

test('a trace out of a mail keeps its losses', () => {
  const trace = pasted('F1-lost-quoted-min.txt')
  expect(lossesOf(trace.events)).toEqual({ gaps: 3, events: 34, uncounted: 1 })
  expect(eventsOf(trace)[0]).toMatchObject({ event: 'mm_page_alloc', comm: 'bash', pid: 1199 })
  expect(causes(trace)).toEqual({ 'prefixed-line': 4 })
})

test.each(['F2-syslog-min.txt', 'F2b-console-host-min.txt'])('%s: the log is no part of the process name', (name) => {
  const trace = pasted(name)
  expect(lossesOf(trace.events).events).toBe(17)
  for (const event of eventsOf(trace)) if (event.event !== 'lost') expect(event.comm).toBe('bash')
})

test('a bar before each line, and two quotes before perf script’s', () => {
  expect(eventsOf(pasted('75-bar.txt')).map(({ comm }) => comm)).toEqual(['bash', 'kworker'])
  expect(eventsOf(pasted('F4-quoted-perf-min.txt')).map(({ comm }) => comm)).toEqual(['<idle>', 'lmtp'])
})

const samples = {
  ftrace: [...linesOf('text/7.2/default.txt', 30), ...whole],
  'ftrace with losses': linesOf('text/6.1/trace_pipe-lost.txt', 30),
  'ftrace with odd names': linesOf('text/handmade/comms.txt'),
  'the latency format': linesOf('text/7.2/latency-format.txt', 30),
  'trace-cmd report': linesOf('text/trace-cmd/instance.txt'),
  'perf script': linesOf('perf-6.1-s/perf-script-head.txt', 30),
  'perf script with call chains': linesOf('formats/perf-script/handmade/callchain.txt'),
  babeltrace2: linesOf('text/handmade/babeltrace2.txt'),
  function_graph: linesOf('pasted/04-graph-abstime.txt'),
}

/** Lines that are no event may be told as another kind of prose behind a prefix. */
function essence(trace: ReadTrace) {
  const { 'prefixed-line': _, 'mail-line': a = 0, 'console-line': b = 0, ...rest } = causes(trace)
  return { events: eventsOf(trace), lines: trace.lines, prose: a + b, ...rest }
}

test.each(Object.entries(samples))('%s: a prefix before every line changes nothing but the notice', (sample, lines) => {
  const plain = essence(read(text(lines)))
  for (const [name, prefix] of Object.entries(prefixes)) {
    // `12) ` is how function_graph itself begins a line.
    if (sample === 'function_graph' && name === 'awk NR with a bracket') continue
    const trace = read(text(lines.map((line, at) => prefix(at) + line)))
    expect({ name, ...essence(trace) }).toEqual({ name, ...plain })
  }
})

test.each<[string, (line: string, at: number) => string]>([
  ['quotes of changing depth', (line, at) => `${'> '.repeat(1 + (at % 3))}${line}`],
  ['nested quotes with different marks', (line) => `> | >> ${line}`],
  ['a quote in a diff in a log', (line) => `Dec  3 17:30:24 ws1 kernel: + > ${line}`],
  ['tabs behind the quotes', (line) => `>\t>\t${line}`],
  ['a quote that a web page escaped', (line) => `&gt; ${line.replaceAll('<', '&lt;').replaceAll('>', '&gt;')}`],
  ['colours', (line) => `\x1b[1;32m${line.slice(0, 20)}\x1b[0m${line.slice(20)}`],
  ['returns', (line) => `> ${line}\r`],
  ['a link’s markup', (line) => `<span class="q">&gt; ${line.replaceAll('<', '&lt;').replaceAll('>', '&gt;')}</span>`],
  ['an android log', (line, at) => `12-03 17:30:${10 + at}.123   312   312 W kernel  : ${line}`],
])('%s', (_, change) => {
  const trace = read(text(whole.map(change)))
  expect(eventsOf(trace)).toEqual(eventsOf(read(text(whole))))
})

const escaped = (line: string) => line.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
const page = (lines: readonly string[]) =>
  `<html><head><title>x</title></head><body><p>Hi,</p><pre>${lines.map(escaped).join('\n')}\n</pre></body></html>\n`

const frames: Readonly<Record<string, (lines: readonly string[]) => string>> = {
  'cat -A': (lines) => text(lines.map((line) => `${line.replaceAll('\t', '^I')}^M$`)),
  'a table': (lines) => text(lines.map((line) => `| ${line.padEnd(200)} |`)),
  'a box': (lines) => text(lines.map((line) => `\xe2\x94\x82 ${line.padEnd(200)} \xe2\x94\x82`)),
  'strings of C': (lines) => text(lines.map((line) => `"${line}\\n"`)),
  'a list of strings': (lines) => text(lines.map((line) => `'${line}',`)),
  'code in a table': (lines) => `| line |\n|---|\n${text(lines.map((line) => `| \`${line}\` |`))}`,
  'code in a list': (lines) => text(lines.map((line) => `- \`${line}\``)),
  continuations: (lines) => text(lines.map((line) => `${line} \\`)),
  'ends with tabs': (lines) => text(lines.map((line) => `${line}\t`)),
  'returns alone': (lines) => lines.map((line) => `${line}\r`).join(''),
  'returns twice': (lines) => lines.map((line) => `${line}\r\r\n`).join(''),
  'returns first': (lines) => lines.map((line) => `${line}\n\r`).join(''),
  'groups of grep -C': (lines) =>
    text(lines.flatMap((line, at) => [`${at + 1}${at % 3 ? '-' : ':'}${line}`, ...(at % 5 === 4 ? ['--'] : [])])),
  'numbers between': (lines) => text(lines.flatMap((line, at) => [`${at + 1}`, line])),
  'journalctl -o json': (lines) => text(lines.map((MESSAGE) => JSON.stringify({ _HOSTNAME: 'ws1', MESSAGE }))),
  'journalctl -o json, as bytes': (lines) =>
    text(lines.map((line) => JSON.stringify({ MESSAGE: [...Buffer.from(line)] }))),
  'a container’s log': (lines) => text(lines.map((line) => JSON.stringify({ log: `${line}\n`, stream: 'stdout' }))),
  'dmesg -J': (lines) => JSON.stringify({ dmesg: lines.map((msg) => ({ pri: 4, time: 12.5, msg })) }, undefined, 3),
  LAVA: (lines) => text(lines.map((line) => `- {"dt": "2020-12-03", "lvl": "target", "msg": ${JSON.stringify(line)}}`)),
  'a tracing service': (lines) => JSON.stringify({ traceEvents: [], systemTraceEvents: text(lines) }),
  'a fence': (lines) => `Look:\n\n\`\`\`text\n${text(lines)}\`\`\`\n\nWhat now?\n`,
  'a page': page,
  'a page with quotes, tags over two lines': (lines) =>
    `<html><title>x</title><pre\nid=b>${lines.map((line) => `<span\nclass="q">&gt; ${escaped(line)}</span>`).join('\n')}\n</pre>`,
  'a page with a block a line': (lines) =>
    `<div dir="ltr">Hi,<br>${lines.map((line) => `<div>${escaped(line).replaceAll('  ', '&nbsp; ')}</div>`).join('')}</div>\n`,
  'a page of systrace': (lines) =>
    `<!DOCTYPE html>\n<script>\nvar a = 1;\n</script>\n<script class="trace-data" type="application/text">\n${text(lines)}</script>\n`,
  'blanks that do not break': (lines) => text(lines.map((line) => line.replaceAll('  ', '\xc2\xa0 '))),
  'no other blanks': (lines) => text(lines.map((line) => line.replaceAll(' ', '\xa0'))),
  'thin blanks': (lines) => text(lines.map((line) => line.replaceAll('  ', '\xe2\x80\x89 '))),
  'blanks squeezed': (lines) => text(lines.map((line) => line.trimStart().replaceAll(/ {2,}/g, ' '))),
  'a terminal’s log': (lines) =>
    `Script started\r\n\x1b[?2004h$ cat trace\r\r\n\x1b[?2004l\r${lines.join('\r\n')}\r\n\x1b[?2004h$ exit\r\n`,
  'words in bold': (lines) => text(lines.map((line) => line.replaceAll('mm', 'm\bmm\bm'))),
}

test.each(Object.entries(frames))('%s around the lines changes no event', (_, frame) => {
  for (const [name, lines] of Object.entries(samples)) {
    const plain = eventsOf(read(text(lines)))
    expect({ name, events: eventsOf(read(frame(lines))) }).toEqual({ name, events: plain })
  }
})

test('blanks that an editor made tabs of', () => {
  for (const lines of [whole, samples.ftrace, samples['perf script'], samples['trace-cmd report']])
    expect(eventsOf(read(text(lines.map((line) => line.replaceAll(/ {4,}/g, '\t')))))).toEqual(
      eventsOf(read(text(lines))),
    )
})

test('what stands before a name as wide as its column is no part of it, whatever it is', () => {
  const words = ['some', 'words that', 'change with', 'each line', '12 monkeys', 'x']
  const lines = words.map((word) => `${word}             bash-1199    [000] d..1.    12.345678: ${FREE}`)
  expect(eventsOf(read(text(lines))).map(({ comm }) => comm)).toEqual(words.map(() => 'bash'))
})

test('a key that stands in a payload twice, once with a value that cannot be', () => {
  const trace = read(text([whole[0]!.replace('order=0', 'order=0 order=4294967295'), whole[6]!]))
  expect(causes(trace)).toEqual({ 'unread-payload': 1 })
})

test('UTF-16 and the mark of UTF-8 are read', () => {
  const plain = eventsOf(read(text(whole)))
  expect(eventsOf(read(Buffer.from(`\ufeff${text(whole)}`, 'utf16le')))).toEqual(plain)
  expect(eventsOf(read(Buffer.from(`\ufeff${text(whole)}`, 'utf16le').swap16()))).toEqual(plain)
  expect(eventsOf(read(Buffer.from(text(whole), 'utf16le')))).toEqual(plain)
  expect(eventsOf(read(Buffer.from(`\ufeff${text(whole)}`)))).toEqual(plain)
  expect(eventsOf(read(Buffer.from(`\ufeff${text(whole.map((line) => `> ${line}`))}`)))).toEqual(plain)
})

test('a trace of two machines is refused with advice', () => {
  const two = (one: string, other: string) =>
    text([one + whole[0]!, other + whole[6]!, one + whole[0]!, other + whole[6]!])
  expect(refusal(readFileSync(join(traces, 'pasted/F7-two-machines-min.txt'), 'latin1'))).toMatch(
    /"host.dat" and "guest.dat"[\s\S]*trace-cmd report -i/,
  )
  for (const [one, other] of [
    ['  host.dat: ', ' guest.dat: '],
    ['  host: ', ' guest: '],
    ['a.dat: ', 'b.dat: '],
    ['Dec  3 17:30:24 ws1 kernel: ', 'Dec  3 17:30:24 ws2 kernel: '],
    ['node1  | ', 'node2  | '],
    ['[vm1] ', '[vm2] '],
  ])
    expect(refusal(two(one!, other!)), one).toMatch(/two machines or files/)
  const line = (host: string) =>
    `[18:18:55.358770825] (+?.?????????) ${host} kmem_kfree: { cpu_id = 2 }, { call_site = 0x10, ptr = 0x10 }`
  expect(refusal(text([line('a'), line('b')]))).toMatch(/"a" and "b"/)
})

test('two traces one behind the other are refused; one that goes on is read', () => {
  const header = '# tracer: nop\n#\n'
  const later = whole.map((line) => line.replace('12.345', '15.345'))
  expect(refusal(header + text(later) + header + text(whole))).toMatch(/a second trace begins here[\s\S]*by itself/)
  expect(eventsOf(read(header + text(whole) + header + text(later)))).toHaveLength(10)
})

test('what a mail holds as it was sent and quoted is read once, with its losses', () => {
  const thread = `${text(whole)}\nOn Thursday, Jane wrote:\n${text(whole.map((line) => `> ${line}`))}\n> On Monday, John wrote:\n${text(whole.map((line) => `> > ${line}`))}`
  const trace = read(thread)
  expect(eventsOf(trace)).toEqual(eventsOf(read(text(whole))))
  expect(causes(trace)['repeated-line']).toBeGreaterThan(2)
})

test('losses without a count, and tools that tell of losses on standard error', () => {
  const report = (line: string) => read(text(['cpus=2', whole[0]!, line, whole[6]!]))
  expect(lossesOf(report('CPU:1 [EVENTS DROPPED]').events)).toEqual({ gaps: 1, events: 0, uncounted: 1 })
  expect(lossesOf(report('  kmem: CPU:1 [EVENTS DROPPED]').events).gaps).toBe(1)
  expect(causes(report('CPU 1 is empty'))).toEqual({})
  const [first, second] = ['825', '999'].map(
    (at) => `[18:18:55.358770${at}] (+?.?????????) ws1 kmem_kfree: { cpu_id = 2 }, { call_site = 0x10, ptr = 0x10 }`,
  )
  for (const [line, lost] of [
    [
      'WARNING: Tracer discarded 13 events between [1] and [2] in trace "k" (no UUID) within stream "/k/channel0_2" (stream class ID: 0, stream ID: 2).',
      { cpu: 2, count: 13 },
    ],
    ['[warning] Tracer discarded 1 event at end of stream between [1] and [2].', { cpu: 0, count: 1 }],
    ['WARNING: Tracer may have discarded events between [1] and [2] in trace "k"', { cpu: 0 }],
  ] as const)
    expect(eventsOf(read(text([first!, line, second!])))[1]).toMatchObject({ event: 'lost', ...lost })
})

test('a damaged event of babeltrace, and a page frame beyond all memory, by their values', () => {
  const line = (stamp: string, rest: string) =>
    `[1499451535.${stamp}] calista kmem_mm_page_alloc: { cpu_id = 3 }, { page = 0x0, ${rest}, gfp_flags = 3264, migratetype = 1 }`
  const trace = read(text([line('34818-0', 'pfn = 1, order = 0'), line('348189796', 'pfn = 2147483648, order = 9')]))
  expect(eventsOf(trace)).toMatchObject([{ event: 'mm_page_alloc', time: 348189796, pfn: 2147483648, order: 9 }])
  // It is no prose: the trace is not complete.
  expect(causes(trace)).toEqual({ 'unparsed-line': 1 })
  expect(
    causes(read(text(['     0.0x2 bash/1 kmem:mm_page_free(pfn: 1)', '     0.012 bash/1 kmem:mm_page_free(pfn: 1)']))),
  ).toMatchObject({
    'unparsed-line': 1,
  })
})

test('babeltrace with names of all it prints', () => {
  const payload = '{ page = 0x10, pfn = 512, order = 3 }'
  for (const line of [
    `[18:18:55.358770825] (+0.000003276) ws1 kmem_mm_page_free: stream.packet.context = { cpu_id = 2 }, event.fields = ${payload}`,
    `timestamp = 18:18:55.358770825, delta = +0.000003276, trace:hostname = ws1, name = kmem_mm_page_free, stream.packet.context = { cpu_id = 2 }, event.fields = ${payload}`,
    `timestamp = 1499451535.358770825, delta = +0.000003276, name = kmem_mm_page_free, { cpu_id = 2 }, ${payload}`,
    `[18:18:55.358770825] (+0.000003276) ws1:kernel TRACE_EMERG (0) kmem_mm_page_free: { cpu_id = 2 }, ${payload}`,
    `[2018-05-16 01:51:29.358770825] kmem_mm_page_free: { cpu_id = 2 }, ${payload}`,
  ])
    expect(eventsOf(read(`${line}\n`)), line).toMatchObject([{ event: 'mm_page_free', cpu: 2, pfn: 512, order: 3 }])
})

test('instances of one machine are read as one', () => {
  const trace = read(text([`one: ${whole[0]}`, `two: ${whole[6]}`]))
  expect(eventsOf(trace).map(({ comm }) => comm)).toEqual(['bash', 'kworker'])
})

// Mail

const header = (encoding: string) =>
  `From: a@example.org\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: ${encoding}\n\n`
const quotedPrintable = (lines: string, width: number): string =>
  lines
    .replace(/[=\x80-\xff]/g, (byte) => `=${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`)
    .split('\n')
    .map((line) => {
      const parts: string[] = []
      for (let rest = line; ; ) {
        if (rest.length <= width) {
          parts.push(rest)
          break
        }
        const cut = rest.slice(width - 2, width + 1).lastIndexOf('=')
        const at = cut >= 0 ? width - 2 + cut : width
        parts.push(`${rest.slice(0, at)}=`)
        rest = rest.slice(at)
      }
      return parts.join('\n')
    })
    .join('\n')

test('the sample in quoted-printable', () => {
  expect(eventsOf(pasted('F3-qp-min.eml'))).toMatchObject([
    { event: 'kfree', ptr: 0xab12cd34n, callSite: '0xffffffff813c8fd6' },
    { event: 'rcu_callback', func: 'rcu_work_rcufn', qlen: 798 },
  ])
})

test.each(Object.entries(samples))('%s in a mail, whatever its encoding', (_, lines) => {
  const body = text(lines)
  const plain = eventsOf(read(body))
  const base64 = Buffer.from(body, 'latin1').toString('base64').replace(/.{76}/g, '$&\n')
  const multipart = `Content-Type: multipart/mixed; boundary="=_b1"\n\n--=_b1\nContent-Type: text/plain\n\nHello,\n\n--=_b1\n${header('BASE64').slice(20)}${base64}\n--=_b1--\n`
  const alternative = `Content-Type: multipart/alternative;\n boundary="b"\n\n--b\n${header('quoted-printable').slice(20)}${quotedPrintable(body, 75)}\n--b\nContent-Type: text/html\n\n${page(lines)}--b--\n`
  const mails = {
    'with the same as a web page': alternative,
    'quoted-printable': header('quoted-printable') + quotedPrintable(body, 75),
    'short lines, broken in numbers': header('Quoted-Printable') + quotedPrintable(body, 31),
    'quoted-printable without a header': quotedPrintable(body, 75),
    'with returns': (header('quoted-printable') + quotedPrintable(body, 75)).replaceAll('\n', '\r\n'),
    base64: header('base64') + base64,
    'base64 in a part': multipart,
  }
  for (const [name, mail] of Object.entries(mails)) {
    // perf script's keys without one `=` tell nothing without a header.
    if (name.endsWith('header') && !body.includes('=')) continue
    expect({ name, events: eventsOf(read(mail)) }).toEqual({ name, events: plain })
  }
})

test('format=flowed, with and without DelSp', () => {
  const flowed = (more: string, cut: (line: string) => string[], quote = '') => {
    const lines = whole.flatMap((line) =>
      cut(line).map((part, at, { length }) => (at < length - 1 ? `${part} ` : part)),
    )
    const stuffed = lines.map((line) => (quote === '' && line.startsWith(' ') ? ` ${line}` : quote + line))
    return `Content-Type: text/plain; format=flowed${more}\n\n${text(stuffed)}`
  }
  const plain = eventsOf(read(text(whole)))
  expect(eventsOf(read(flowed('', atBlanks(60))))).toEqual(plain)
  expect(eventsOf(read(flowed('', atBlanks(45), '> ')))).toEqual(plain)
  // There the blank is taken off again, so that a word may be broken.
  expect(eventsOf(read(flowed('; delsp=yes', anywhere(37))))).toEqual(plain)
})

// Wraps

const atBlanks =
  (width: number) =>
  (line: string): string[] => {
    const parts: string[] = []
    let rest = line
    while (rest.length > width) {
      let cut = rest.lastIndexOf(' ', width)
      if (cut <= rest.search(/\S/)) cut = rest.indexOf(' ', width)
      if (cut < 0) break
      parts.push(rest.slice(0, cut))
      rest = rest.slice(cut + 1)
    }
    return [...parts, rest]
  }
const anywhere =
  (width: number) =>
  (line: string): string[] =>
    line.match(new RegExp(`.{1,${width}}`, 'g')) ?? ['']
const behind =
  (what: RegExp) =>
  (line: string): string[] => {
    const [all] = what.exec(line) ?? []
    return all === undefined ? [line] : [all.trimEnd(), line.slice(all.length)]
  }
const wraps: Readonly<Record<string, (line: string) => string[]>> = {
  'at 60': atBlanks(60),
  'at 72': atBlanks(72),
  'at 80': atBlanks(80),
  'at 100': atBlanks(100),
  'at 78, flowed': (line) => atBlanks(78)(line).map((part, at, { length }) => (at < length - 1 ? `${part} ` : part)),
  'in words, at 80': anywhere(80),
  'in words, at 100': anywhere(100),
  'behind the stamp': behind(/^.*?\d\.\d{6,9}[\]:]\s+/),
  'behind the name': behind(/^.*?\d\.\d{6,9}:\s+(?:\w+:)?\w+:\s+/),
  'behind the task': behind(/^\s*\S+(?:-| +)\d+\s+(?=\[)/),
}

const wrapped = {
  ftrace: linesOf('text/7.2/default.txt').filter((line) => !line.startsWith('#')),
  'ftrace of 6.1': linesOf('text/6.1/default.txt').filter((line) => !line.startsWith('#')),
  'trace-cmd report': linesOf('text/trace-cmd/kvfree-6.1-R.txt'),
  'perf script': linesOf('perf-6.1-s/perf-script-head.txt'),
  'perf script --ns': linesOf('formats/perf-script/ns.txt'),
  babeltrace2: linesOf('text/handmade/babeltrace2-seconds.txt'),
}

test.each(Object.entries(wrapped))('%s, wrapped anywhere, quoted or not', (_, lines) => {
  const plain = eventsOf(read(text(lines)))
  for (const [name, wrap] of Object.entries(wraps)) {
    for (const quote of ['', '> ', '> > ']) {
      const trace = read(text(lines.flatMap(wrap).map((line) => quote + line)))
      expect({ name, quote, events: eventsOf(trace) }).toEqual({ name, quote, events: plain })
    }
  }
})

test('the sample that is wrapped behind the stamp', () => {
  expect(eventsOf(pasted('28b-wrap-min.txt'))).toMatchObject([
    { event: 'mm_page_alloc', pfn: 1066702, order: 2, gfpFlags: 0xcc0 },
    { event: 'mm_page_free', pfn: 1066702 },
  ])
})

test('an event of many words, wrapped in all of them, and quotes that continuations lack', () => {
  const lines = linesOf('text/6.1/trace_pipe-lost.txt').filter((line) => /segcb|grace|callback/.test(line))
  const plain = eventsOf(read(text(lines)))
  expect(plain.length).toBeGreaterThan(5)
  for (const width of [60, 74, 90, 132]) {
    const parts = lines.flatMap((line) => atBlanks(width)(line).map((part, at) => (at === 0 ? `> ${part}` : part)))
    expect({ width, events: eventsOf(read(text(parts))) }).toEqual({ width, events: plain })
  }
})

test('prose between wrapped lines is no part of an event', () => {
  const trace = read(
    text([
      '> What I see is',
      `> ${whole[0]!.slice(0, 70)}`,
      `> ${whole[0]!.slice(71)}`,
      '> and after that',
      `> ${whole[6]!}`,
      '<snip>',
    ]),
  )
  expect(eventsOf(trace)).toMatchObject([{ event: 'mm_page_alloc', gfpFlags: 0x100cc0 }, { event: 'mm_page_free' }])
  expect(causes(trace)['mail-line']).toBe(3)
})

// Tracers and heads

const calls = ['  4.134 us    |  rmqueue();', '              |  get_page() {', '+ 12.1 us     |  }']

test.each([
  ['the time and the CPU', '   12.345678 |   1)  '],
  ['the task', '   12.345678 |   1)    bash-1199    | '],
  ['the flags', '   12.345678 |   1)  d..1. '],
  ['nanoseconds', '   12.345678901 |   1)  '],
  ['a quote', '>    12.345678 |   1)  '],
])('kmem events as comments of function_graph, with %s', (_, head) => {
  const lines = [
    ...calls.map((call) => head + call),
    `${head}             |  /* ${ALLOC} */`,
    `${head}             |  /* ${FREE} */`,
  ]
  const trace = read(text(lines))
  expect(eventsOf(trace)).toMatchObject([
    { event: 'mm_page_alloc', cpu: 1, gfpFlags: 0x100cc0 },
    { event: 'mm_page_free', pfn: 0x200 },
  ])
  expect(causes(trace)['function-line']).toBe(3)
})

test('function_graph: the sample, and without its option the advice to set it', () => {
  const trace = pasted('04-graph-abstime.txt')
  expect(eventsOf(trace).map(({ event, cpu }) => [event, cpu])).toEqual([
    ['mm_page_alloc', 1],
    ['mm_page_free', 1],
    ['mm_page_alloc', 0],
  ])
  expect(refusal(` 1)               |  /* ${ALLOC} */\n 1)   4.134 us    |  }\n`)).toMatch(/funcgraph-abstime/)
  expect(refusal(' 1)               |  get_page() {\n 1)   4.134 us    |  }\n')).toMatch(/events\/kmem\/enable/)
})

test('calls of the function tracer between events are skipped as what they are', () => {
  const head = '            bash-1199    [000] d..1.    12.345678: '
  for (const call of [
    'rmqueue_bulk <-get_page_from_freelist',
    'f [mod] <-g',
    '__x.isra.0 <-g+0x12/0x20',
    'a<-b',
    'kfree <- free_work',
  ])
    expect(causes(read(text([whole[0]!, head + call, whole[6]!])))).toEqual({ 'function-line': 1 })
})

test('heads without the task or the pid', () => {
  expect(eventsOf(pasted('07-no-task.txt'))).toHaveLength(5)
  for (const event of eventsOf(pasted('07-no-task.txt')))
    expect([event.cpu, event.pid, event.comm]).toEqual([2, undefined, undefined])
  const known = eventsOf(pasted('13-rcu-nopid.txt')).filter(({ event }) => event !== 'other')
  expect(known).toHaveLength(10)
  expect(known[0]).toMatchObject({ event: 'rcu_grace_period', comm: 'rcu_preempt', gpSeq: 8369, gpevent: 'end' })
  for (const { pid } of known) expect(pid).toBeUndefined()
  for (const [head, comm] of [
    ['  CPU 0/KVM     [003] d..1.   12.345678: ', 'CPU 0/KVM'],
    ['> <idle>        [003]         12.345678: ', '<idle>'],
    ['// rcuog/0      [003] d..1.   12.345678: ', 'rcuog/0'],
    ['[003]           12.345678901: ', undefined],
    ['\t[003] dN.1.   12.345678: ', undefined],
  ])
    expect(eventsOf(read(`${head}${FREE}\n`))).toMatchObject([
      { event: 'mm_page_free', cpu: 3, pfn: 0x200, ...(comm === undefined ? {} : { comm }) },
    ])
})

test('perf trace is read, on one CPU', () => {
  const trace = pasted('50-perf-trace-modern.txt')
  expect(eventsOf(trace)).toEqual([
    {
      event: 'mm_page_alloc',
      time: 0,
      cpu: 0,
      pid: 1234,
      comm: 'bash',
      pfn: 1216704,
      order: 0,
      gfpFlags: 3264,
      migratetype: 1,
    },
    { event: 'mm_page_free', time: 12000, cpu: 0, pid: 1234, comm: 'bash', pfn: 1216704, order: 0 },
  ])
  expect(causes(trace)['cpu-not-printed']).toBe(2)
  // Zeros are not printed; a line that is cut may lack more.
  expect(eventsOf(read('     0.012 bash/1234 kmem:mm_page_alloc(pfn: 512, gfp_flags: 3264)\n'))).toMatchObject([
    { event: 'mm_page_alloc', pfn: 512, order: 0, migratetype: 0 },
  ])
  expect(causes(read('     0.012 bash/1234 kmem:mm_page_alloc(pfn: 512, gfp_flags\n'))).toMatchObject({
    'unread-payload': 1,
  })
  for (const line of [
    '     0.012 CPU 0/KVM/1234 kmem:mm_page_free(pfn: 512, order: 3)',
    '     0.012 (         ): bash/1234 kmem:mm_page_free(pfn: 512, order: 3)',
    '     0.012 ( 0.001 ms): bash/1234 kmem:mm_page_free(page: 0xffff, pfn: 512, order: 3)',
    '     0.012 kmem:mm_page_free:page=0xffff pfn=512 order=3)',
    '> 1467058.550 bash/1234 kmem:mm_page_free(pfn: 512, order: 3)',
  ])
    expect(eventsOf(read(`${line}\n`)), line).toMatchObject([{ event: 'mm_page_free', pfn: 512, order: 3 }])
})

test('stacks: short addresses, and functions of older allocators', () => {
  expect(causes(pasted('09b-short-stack.txt'))).toEqual({ 'stack-line': 3 })
  const callerOf = (frames: readonly string[]) => {
    const lines = [whole[0]!, whole[1]!, ...frames.map((frame) => ` => ${frame}`)]
    const stack = eventsOf(read(text(lines))).find(({ event }) => event === 'kernel_stack')
    return (stack as { caller?: string } | undefined)?.caller
  }
  expect(eventsOf(pasted('23b-old-wrapper.txt'))[1]).toMatchObject({ event: 'kernel_stack', caller: 'copy_process' })
  expect(callerOf(['__alloc_pages_nodemask', 'alloc_kmem_pages', 'kmalloc_order_trace', 'seq_buf_alloc'])).toBe(
    'seq_buf_alloc',
  )
  expect(callerOf(['__free_kmem_pages', 'free_kmem_pages', 'free_task'])).toBe('free_task')
  expect(
    callerOf(['free_hot_cold_page', 'free_hot_cold_page_list', 'release_pages', 'free_pages_and_swap_cache']),
  ).toBe('free_pages_and_swap_cache')
  expect(callerOf(['__alloc_pages_internal', 'alloc_page_vma', 'handle_mm_fault'])).toBe('handle_mm_fault')
  expect(callerOf(['free_hot_page', '__pagevec_free', 'shrink_page_list'])).toBe('shrink_page_list')
  expect(callerOf(['.__alloc_pages_nodemask', '.alloc_pages_current', '.kthread'])).toBe('.kthread')
})

test('blanks in RCU payloads part values and are no part of them', () => {
  const names = new Set(
    eventsOf(pasted('37b-double-space.txt')).map((event) => (event as { rcuname?: string }).rcuname),
  )
  expect([...names]).toEqual(['rcu_preempt'])
  const head = '     kworker/6:1-161     [006] d..1   288.861610: '
  for (const [payload, event] of [
    ['rcu_grace_period:   rcu_preempt   8369   start  ', { gpSeq: 8369, gpevent: 'start' }],
    ['rcu_callback: rcu_preempt  rhp=00000000d83fcc90  func=f [m]  798', { func: 'f [m]', qlen: 798 }],
    ['rcu_batch_end: rcu_preempt  CBs-invoked=3  idle=....', { callbacksInvoked: 3 }],
    ['rcu_fqs: rcu_preempt  8369  2  dti', { gpSeq: 8369, rcuCpu: 2, qsevent: 'dti' }],
    ['rcu_invoke_callback: rcu_preempt  rhp=00000000d83fcc90  func=f', { func: 'f' }],
  ] as const)
    expect(eventsOf(read(`${head}${payload}\n`)), payload).toMatchObject([{ rcuname: 'rcu_preempt', ...event }])
})
