import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { tinyCapture } from '../src/app/testing/tiny-capture.ts'
import { kreplay, scratch } from '../src/cli/testing/program.ts'

const at = scratch()

test('the bench runs and tells of every step and target; how fast is nobody’s business here', async () => {
  expect((await kreplay('synth', 'page-churn', '-o', at('churn'), '--set', 'seconds=0.03')).code).toBe(0)
  tinyCapture(join(at('churn'), 'trace.txt'))
  const args = ['--conditions=kreplay-src', 'bench/main.ts', '--quick', '--json', '--capture', at('churn')]
  const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 1e8 })
  const { schema, rows, targets, notes, traceCmd, perf } = JSON.parse(stdout)
  expect(schema).toBe('kreplay.bench/1')
  const steps: string[] = rows.map(({ what }: { what: string }) => what)
  for (const step of [
    '→ columns',
    'CSV → columns',
    'Arrow → columns',
    'ftrace text → columns',
    'columns → script',
    'fidelity',
    'pcp/none',
    'HTML',
    'kreplay --help',
    'kreplay info --json',
    'kreplay compare of 6 policies',
  ])
    expect(steps.some((what) => what.includes(step))).toBe(true)
  for (const { cpuSeconds } of rows) expect(cpuSeconds.median).toBeGreaterThan(0)
  const aims: string[] = targets.map(({ what }: { what: string }) => what)
  expect(aims).toEqual(
    expect.arrayContaining(['Arrow → columns, millions', expect.stringContaining('the slowest policy')]),
  )
  if (traceCmd !== undefined) expect(aims).toContain('trace.dat → columns, against trace-cmd report')
  if (perf !== undefined) expect(aims).toContain('perf script text → columns')
  expect(notes.join()).toContain('bytes an event')
  if (traceCmd === undefined) expect(notes.join()).toContain('apt-get install trace-cmd')
})
