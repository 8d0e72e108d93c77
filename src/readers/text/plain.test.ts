import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { recognise } from './recognise.ts'

const event = (number: number): string =>
  `            bash-8436  [001] ....  12.10000${number}: mm_page_free: page=00000000f0d5f2a4 pfn=${number} order=0`
const events = [1, 2, 3, 4].map(event)
const of = (lines: readonly string[]) => recognise(Buffer.from(lines.map((line) => `${line}\n`).join('')))
const isPlain = (lines: readonly string[]) => of(lines)?.isPlain

test.each([
  ['events alone', events],
  ['a header and losses', ['# tracer: nop', '#', ...events, 'CPU:1 [LOST 5 EVENTS]', event(5)]],
  ['stacks', [event(1), '            bash-8436  [001] ....  12.100002: kernel_stack: <stack trace >', '=> vfs_read']],
  ['blank lines and a line cut in half', [...events, '', event(5)]],
])('as it stands: %s', (what, lines) => {
  // A stack's head is no event by name, so a text with stacks is looked at closer.
  expect(isPlain(lines)).toBe(what !== 'stacks')
  expect(of(lines)).toMatchObject({ writer: 'ftrace', isMail: false, plan: { isListed: false, isNumbered: false } })
})

test('half a line at the end hides nothing', () => {
  expect(recognise(Buffer.from(`${events.join('\n')}\n   ba`))!.isPlain).toBe(true)
})

test.each([
  ['quoted', (line: string) => `> ${line}`],
  ['logged', (line: string) => `[   12.345678] ${line}`],
  ['numbered', (line: string, at: number) => `${at + 1} ${line}`],
  ['listed by grep', (line: string) => `trace.txt:${line.trim()}`],
  ['labelled', (line: string) => `node7: ${line.trim()}`],
  ['commented out', (line: string) => `# ${line}`],
  ['wrapped', (line: string) => line.replace(' pfn', '\npfn')],
])('not as it stands: %s', (how, changed) => {
  expect(isPlain(events.map(changed))).toBe(false)
  // One such line among plain ones is enough, but for a comment, and for a file's name that a process could have.
  const one = [event(9), ...events.map(changed)]
  if (!/grep|comment/.test(how)) expect(isPlain(one)).toBe(false)
})

test('no quick look finds another writer than a close one', async () => {
  const pipes = ['5.10', '6.1', '7.2'].map((release) => `text/${release}/trace_pipe-lost`)
  for (const name of [...pipes, 'perf-6.1-s/perf-script-head', 'perf-6.1-s/perf-script-ns-head']) {
    const text = await readFile(`traces/${name}.txt`, 'latin1')
    const [plain, close] = [
      of(text.trimEnd().split('\n'))!,
      of(
        text
          .trimEnd()
          .split('\n')
          .map((line) => `> ${line}`),
      )!,
    ]
    expect([name, plain.isPlain, close.isPlain, close.writer]).toEqual([name, true, false, plain.writer])
  }
})
