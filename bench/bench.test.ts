import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

test('the bench runs and tells of every step and target; how fast is nobody’s business here', async () => {
  const args = ['--conditions=kreplay-src', 'bench/main.ts', '--quick', '--json', '--capture', 'traces/pages-7.2-s']
  const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 1e8 })
  const { schema, rows, targets, notes, traceCmd } = JSON.parse(stdout)
  expect(schema).toBe('kreplay.bench/1')
  const steps: string[] = rows.map(({ what }: { what: string }) => what)
  for (const step of [
    '→ columns',
    'CSV → columns',
    'ftrace text → columns',
    'columns → script',
    'fidelity',
    'pcp/none',
    'HTML',
  ])
    expect(steps.some((what) => what.includes(step))).toBe(true)
  for (const { cpuSeconds } of rows) expect(cpuSeconds.median).toBeGreaterThan(0)
  expect(targets).toHaveLength(traceCmd === undefined ? 1 : 2)
  expect(notes.join()).toContain('bytes an event')
  if (traceCmd === undefined) expect(notes.join()).toContain('apt-get install trace-cmd')
})
