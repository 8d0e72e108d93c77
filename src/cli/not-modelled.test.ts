import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { tinyCapture } from '../app/testing/tiny-capture.ts'
import { kreplay, scratch } from './testing/program.ts'

const at = scratch()

/** A small capture as if this kernel had recorded it. */
function asOf(name: string, uname: string): string {
  mkdirSync(at(name))
  tinyCapture(`${at(name)}/trace.txt`)
  writeFileSync(`${at(name)}/uname`, `${uname}\n`)
  return at(name)
}

const firstLine = (text: string): string => text.split('\n', 1)[0]!

test.each([
  [
    'el9',
    'Linux ws1 5.14.0-427.el9.x86_64 #1 SMP PREEMPT_DYNAMIC Fri x86_64 GNU/Linux',
    /built by Red Hat.*rules of Linux 5\.14/,
  ],
  [
    'ubuntu',
    'Linux 10.0.0.5 6.8.0-31-generic #31-Ubuntu SMP PREEMPT_DYNAMIC x86_64 GNU/Linux',
    /built by Ubuntu.*rules of Linux 6\.8/,
  ],
  [
    'rt',
    'Linux ws1 6.1.0-57-rt-amd64 #1 SMP PREEMPT_RT Debian 6.1.192-3 (2026-11-26) x86_64 GNU/Linux',
    /^PREEMPT_RT is not modelled/,
  ],
])('%s: every output begins with what is not modelled', async (name, uname, sentence) => {
  const capture = asOf(name, uname)
  for (const command of ['info', 'fidelity'] as const) {
    expect(firstLine((await kreplay(command, capture)).stdout)).toMatch(sentence)
    const { notModelled } = JSON.parse((await kreplay(command, capture, '--json')).stdout) as { notModelled: string[] }
    expect(notModelled[0]).toMatch(sentence)
  }
  const policies = ['--policies', 'pcp/none']
  const html = at(`${name}.html`)
  expect(firstLine((await kreplay('compare', capture, ...policies, '-o', html)).stdout)).toMatch(sentence)
  expect(readFileSync(html, 'utf8')).toMatch(/<header class="top"><p class="unmodelled">/)
  const markdown = at(`${name}.md`)
  const { stdout } = await kreplay('compare', capture, ...policies, '--json', '-o', markdown)
  expect((JSON.parse(stdout) as { notModelled: string[] }).notModelled[0]).toMatch(sentence)
  expect(firstLine(readFileSync(markdown, 'utf8'))).toMatch(/^> \*\*Not modelled:\*\* /)
})

test('a kernel whose rules are known: no such line, an empty list', async () => {
  const { stdout } = await kreplay('info', 'traces/drain-5.10-s', '--json')
  expect(JSON.parse(stdout)).toMatchObject({ notModelled: [] })
})
