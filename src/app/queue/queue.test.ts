import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runSweep, sweepStatus, work } from '../sweep/index.ts'
import { tinyCapture } from '../testing/tiny-capture.ts'
import { checkedAddress, openQueue } from './database.ts'
import { exited, type Fleet, startFleet } from './testing/fleet.ts'

let fleet: Fleet
beforeAll(async () => {
  fleet = await startFleet()
})
afterAll(async () => {
  await fleet.stop()
})

const scenarioOf = (name: string, text: string): string => {
  writeFileSync(fleet.path(name), text)
  return fleet.path(name)
}

const never = new AbortController().signal

// First of all: a worker that was killed counts as alive for half a minute.
test('a planner without workers says so', async () => {
  const scenario = scenarioOf(
    'lonely.yaml',
    `captures: [${tinyCapture(fleet.path('lonely.txt'))}]\npolicies: [pcp/none]\n`,
  )
  const notices: string[] = []
  const drain = new AbortController()
  const planned = runSweep({ scenario, queue: fleet.server.address, onNotice: (text) => notices.push(text) })
  await expect.poll(() => notices.length, { timeout: 60_000 }).toBeGreaterThan(0)
  expect(notices[0]).toContain('no worker of kreplay')
  const worker = work({ queue: fleet.server.address, jobs: 1, policyFiles: [], drain: drain.signal })
  expect((await planned).runs).toHaveLength(1)
  drain.abort()
  expect(await worker).toMatchObject({ runs: 1, failed: 0 })
  await setTimeout(0)
})

test('workers that are killed lose and double nothing; a poison job is set aside and named', async () => {
  tinyCapture(fleet.path('trace.txt'))
  writeFileSync(fleet.path('poison.dat'), 'no trace at all')
  const captures = `[${resolve('traces/pages-7.2-s')}, trace.txt`
  const policies = 'policies: [pcp/linux-7.2, {id: pcp/fixed, set: {high: 16..640 step 16, batch: 15}}]'
  const scenario = scenarioOf('whole.yaml', `captures: ${captures}, poison.dat]\n${policies}\n`)
  const alone = await runSweep({ scenario, store: fleet.path('alone'), jobs: 1 })
  const queue = await openQueue(fleet.server.address, 1)
  await queue.pool.query('DELETE FROM kreplay.chunk')
  const children = [fleet.start(), fleet.start()]
  let [killed, seen] = [0, 0]
  const queued = await runSweep({
    scenario,
    store: fleet.path('queued'),
    queue: fleet.server.address,
    chunk: 2,
    retries: 1,
    progress: (_, done) => {
      seen = done
      if (done > 10 && killed++ === 0) children[0]!.kill('SIGKILL')
    },
  })
  expect(killed).toBeGreaterThan(0)
  expect(seen).toBe((3 * alone.runs.length) / 2)
  expect(queued.runs).toEqual(alone.runs)
  expect(queued.missing).toBe(alone.missing)
  expect(alone.failed).toMatchObject([{ capture: 'poison.dat', error: expect.stringContaining('this is no trace') }])
  expect(new Set(queued.failed.map(({ capture }) => capture))).toEqual(new Set(['poison.dat']))
  expect(queued.failed[0]!.error).toContain('this is no trace')

  // Exactly once: as many rows as chunks, and no run in two of them.
  const { rows } = await queue.pool.query(
    "SELECT o->>'digest' AS digest FROM kreplay.chunk, jsonb_array_elements(outcomes) AS o",
  )
  await queue.close()
  expect(rows).toHaveLength(alone.runs.length)
  expect(new Set(rows.map(({ digest }) => digest)).size).toBe(rows.length)

  const { queue: status } = await sweepStatus({
    scenario,
    store: fleet.path('none'),
    queue: fleet.server.address,
    chunk: 2,
  })
  expect(status!.done).toBe(alone.runs.length)
  expect(status!.failed.length).toBeGreaterThan(0)
  expect(status!.hosts).toMatchObject([{ workers: expect.any(Number), runs: expect.any(Number) }])

  // Asked to drain, a worker ends by itself.
  children[1]!.kill('SIGTERM')
  expect(await exited(children[1]!)).toBe(0)
})

test('a worker of another version takes nothing, and says which is wanted', async () => {
  const queue = await openQueue(fleet.server.address, 1)
  await queue.pool.query(
    "INSERT INTO kreplay.sweep (id, version, host, pid, chunks) VALUES ('other', '9.9.9+0123', 'elsewhere', 1, 1)",
  )
  await expect(
    work({ queue: fleet.server.address, jobs: 1, policyFiles: [], drain: never, idleSeconds: 1 }),
  ).rejects.toThrow('the queue’s runs are for kreplay 9.9.9+0123')
  await queue.pool.query("DELETE FROM kreplay.sweep WHERE id = 'other'")
  await queue.close()
})

test('an address holds no password, and is one of PostgreSQL', () => {
  expect(() => checkedAddress('postgres://me:secret@host/db')).toThrow('holds a password')
  expect(() => checkedAddress('postgres://host/db?password=x')).toThrow('holds a password')
  expect(() => checkedAddress('redis://host')).toThrow('no address of PostgreSQL')
  expect(checkedAddress('postgres://host/db').host).toBe('host')
})
