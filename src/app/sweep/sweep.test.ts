import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { runSweep } from './index.ts'

const folder = mkdtempSync(join(tmpdir(), 'kreplay-sweep-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const path = (name: string): string => join(folder, name)
const scenarioOf = (name: string, text: string): string => {
  writeFileSync(path(name), text)
  return path(name)
}

const small = `captures: [${resolve('traces/pages-7.2-s')}, ${resolve('traces/pages-6.12-s')}]
policies:
  - pcp/linux-7.2
  - id: pcp/fixed
    set: { high: 16..48 step 16, batch: [15, 31] }
`

test('a second run does nothing and says the same; shards and one store make the whole', async () => {
  const scenario = scenarioOf('small.yaml', small)
  const whole = await runSweep({ scenario, store: path('whole'), jobs: 1 })
  expect(whole).toMatchObject({ missing: 0, failed: [], objective: 'zoneLockPages' })
  expect(whole.runs).toHaveLength(14)
  const files = readdirSync(path('whole')).sort()
  const bytes = files.map((name) => readFileSync(join(path('whole'), name), 'base64'))
  expect(await runSweep({ scenario, store: path('whole'), jobs: 1 })).toEqual(whole)
  expect(readdirSync(path('whole')).sort()).toEqual(files)

  const parts = []
  for (const shard of ['1/2', '2/2']) parts.push(await runSweep({ scenario, store: path('shards'), jobs: 1, shard }))
  expect(parts.map(({ runs, captures }) => [runs.length, captures.length])).toEqual([
    [7, 1],
    [7, 1],
  ])
  expect(await runSweep({ scenario, store: path('shards'), jobs: 1 })).toEqual(whole)

  // In threads too, byte for byte.
  await runSweep({ scenario, store: path('again'), jobs: 2 })
  expect(readdirSync(path('again')).map((name) => readFileSync(join(path('again'), name), 'base64'))).toEqual(bytes)
})

test('captures that can’t be read fail by themselves; a file of results that is cut is named', async () => {
  writeFileSync(path('broken.dat'), 'no trace at all')
  const scenario = scenarioOf(
    'broken.yaml',
    `captures: [broken.dat, ${resolve('traces/pages-7.2-s')}]\npolicies: [pcp/none]\n`,
  )
  const { failed, runs, missing } = await runSweep({ scenario, jobs: 1 })
  expect(failed).toHaveLength(1)
  expect(failed[0]).toMatchObject({ capture: 'broken.dat', error: expect.stringContaining('this is no trace') })
  expect([runs.length, missing]).toEqual([1, 1])
  const [file] = readdirSync(path('broken.results'))
  truncateSync(join(path('broken.results'), file!), 300)
  await expect(runSweep({ scenario })).rejects.toThrow('this is no file of results')
})

test('a scenario that names what there is not is refused at once', async () => {
  const refused = async (text: string) => {
    const scenario = scenarioOf('bad.yaml', text)
    return await runSweep({ scenario }).then(
      () => 'ran',
      (error: Error) => error.message,
    )
  }
  expect(await refused('captures: [nowhere]\npolicies: [pcp/none]\n')).toContain(
    'bad.yaml, line 1, column 12: no capture is called nowhere',
  )
  const line = small.split('\n').findIndex((one) => one.includes('high')) + 1
  expect(await refused(small.replace('high:', 'hihg:'))).toContain(
    `bad.yaml, line ${line}, column 12: pcp/fixed has no`,
  )
  expect(await refused(small.replace('linux-7.2', 'linux-7.22'))).toContain('line 3, column 9: unknown policy')
  expect(await refused(`${small}objective: zoneLockPage\n`)).toContain('did you mean zoneLockPages')
  expect(await refused(`${small}limits: [interruptions]\n`)).toContain('is no limit')
  expect(await refused(`${small}prices: [spx]\n`)).toContain('did you mean spr')
})

test('workloads of kvfree_rcu() and ways to accept memory are swept too, by seed where they have one', async () => {
  const scenario = scenarioOf(
    'kvfree.yaml',
    `captures: [${resolve('traces/kvfree-7.2-s')}]\npolicies: [kvfree/call-rcu, kvfree/polled-v2]\n`,
  )
  const { runs, failed } = await runSweep({ scenario, jobs: 1 })
  expect(failed).toEqual([])
  expect(runs.map(({ measures }) => measures['footprint.peakBytes']! > 0)).toEqual([true, true])
})
