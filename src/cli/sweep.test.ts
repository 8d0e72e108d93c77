import { cpSync, readdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { ended, kreplay, scratch, spawned, start } from './testing/program.ts'

const path = scratch()

const statusOf = async (scenario: string): Promise<{ runs: number; done: number }> =>
  JSON.parse((await spawned('sweep', 'status', scenario, '--json')).stdout)

test('a changed policy file reruns what it touches, a changed capture what is on it', async () => {
  const capture = path('capture')
  cpSync('traces/pages-7.2-s', capture, { recursive: true })
  const policy = (title: string): string => `import { shipped } from 'kreplay'
export const lists = { ...shipped.lists.find(({ id }) => id === 'fixed'), id: 'mine', title: '${title}' }
`
  const scenario = path('own.yaml')
  writeFileSync(
    scenario,
    `captures: [capture]\npolicyFiles: [mine.ts]\npolicies: [pcp/linux-7.2, 'pcp/mine{high=64}', 'pcp/fixed{high=64}']\n`,
  )
  writeFileSync(path('mine.ts'), policy('one'))
  const first = await spawned('sweep', 'run', scenario, '--jobs', '1', '--json')
  expect(first.stderr).toBe('')
  const { runs, missing } = JSON.parse(first.stdout)
  expect([runs.length, missing]).toEqual([3, 0])
  expect(runs[1].measures).toEqual(runs[2].measures)
  writeFileSync(path('mine.ts'), policy('two'))
  expect(await statusOf(scenario)).toMatchObject({ runs: 3, done: 2 })
  writeFileSync(path('mine.ts'), policy('one'))
  writeFileSync(join(capture, 'cmdline'), 'isolcpus=0')
  expect(await statusOf(scenario)).toMatchObject({ runs: 3, done: 0 })
})

test('a sweep that is killed goes on where it was, with the same bytes', async () => {
  const scenario = path('killed.yaml')
  writeFileSync(
    scenario,
    `captures: [${resolve('traces/pages-7.2-s')}]\npolicies: [{ id: pcp/fixed, set: { high: 1..96, batch: 15 } }]\n`,
  )
  const line = ['sweep', 'run', scenario, '--jobs', '1']
  const child = start(...line, '--store', path('killed'))
  const files = (): string[] => {
    try {
      return readdirSync(path('killed')).filter((name) => name.endsWith('.parquet'))
    } catch {
      return []
    }
  }
  while (files().length === 0 && child.exitCode === null) await setTimeout(20)
  child.kill('SIGKILL')
  await ended(child)
  const before = files().length
  expect(before).toBeGreaterThan(0)
  expect(before).toBeLessThan(6)
  const resumed = await kreplay(...line, '--store', path('killed'), '--json')
  const whole = await kreplay(...line, '--store', path('undisturbed'), '--json')
  expect(resumed.stdout).toBe(whole.stdout)
  expect(files().sort()).toEqual(readdirSync(path('undisturbed')).sort())
})

test('plan says how many runs; a scenario’s mistake is bad input with its line', async () => {
  const scenario = path('plan.yaml')
  writeFileSync(scenario, `captures: [${resolve('traces/pages-7.2-s')}]\npolicies: [pcp/none]\nsets: {}\n`)
  expect(await kreplay('sweep', 'plan', scenario)).toMatchObject({
    code: 3,
    stderr: expect.stringContaining('plan.yaml, line 3, column 1: sets: there is no field of this name'),
  })
  writeFileSync(
    scenario,
    `captures: [${resolve('traces/pages-7.2-s')}]\npolicies: [{id: pcp/fixed, set: {high: 16..160 step 16}}]\n`,
  )
  const { stdout, code } = await kreplay('sweep', 'plan', scenario)
  expect(code).toBe(0)
  expect(stdout).toMatch(/^runs +10$/m)
  expect(stdout).toMatch(/^time left +about \d+ s$/m)
  expect(await kreplay('sweep', 'run')).toMatchObject({ code: 2 })
})
