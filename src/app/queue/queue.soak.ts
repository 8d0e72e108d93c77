import type { ChildProcess } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { randomOf } from '#kernel/numbers'
import { runSweep } from '../sweep/index.ts'
import { tinyCapture } from '../testing/tiny-capture.ts'
import { openQueue } from './database.ts'
import { exited, type Fleet, startFleet } from './testing/fleet.ts'

/** Seconds of killing. */
const SECONDS = Number(process.env.KREPLAY_SOAK_SECONDS ?? 300)
const WORKERS = 4

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

/** Digests of all runs that workers stored. */
async function storedDigests(): Promise<string[]> {
  const queue = await openQueue(fleet.server.address, 1)
  const { rows } = await queue.pool.query<{ digest: string }>(
    "SELECT o->>'digest' AS digest FROM kreplay.chunk, jsonb_array_elements(outcomes) AS o",
  )
  await queue.close()
  return rows.map(({ digest }) => digest)
}

test('small jobs: how many a second, and what one costs beside its run', async () => {
  const jobs = 4000
  const scenario = scenarioOf(
    'small.yaml',
    `captures: [${tinyCapture(fleet.path('small.txt'))}]\npolicies: [{id: pcp/fixed, set: {high: 16..${15 + jobs / 2}, batch: [1, 2]}}]\n`,
  )
  for (let at = 0; at < WORKERS; at++) fleet.start()
  let [from, to, first] = [0, 0, 0]
  const { runs } = await runSweep({
    scenario,
    queue: fleet.server.address,
    chunk: 1,
    progress: (_, done) => {
      // Workers take a second or two to start.
      if (done > 200 && from === 0) [from, first] = [performance.now(), done]
      to = performance.now()
    },
  })
  expect(runs).toHaveLength(jobs)
  const rate = ((jobs - first) / (to - from)) * 1000
  console.log(
    `${rate.toFixed(0)} jobs/s with ${WORKERS} workers; ${((1000 * WORKERS) / rate).toFixed(2)} ms of a worker a job`,
  )
  for (const child of fleet.workers) child.kill('SIGTERM')
  await Promise.all([...fleet.workers].map(exited))
})

test(`workers killed at random for ${SECONDS} s, a slow one, a poison job, the server restarted: every run exactly once`, async () => {
  const random = randomOf(Number(process.env.KREPLAY_SEED ?? 1), 'soak')
  writeFileSync(fleet.path('poison.dat'), 'no trace at all')
  const before = new Set(await storedDigests())
  const until = Date.now() + SECONDS * 1000
  for (let at = 0; at < WORKERS; at++) fleet.start()
  const counts = { killed: 0, stopped: 0, sweeps: 0, runs: 0 }
  const harass = (async () => {
    let restarted = false
    while (Date.now() < until) {
      await setTimeout(2000 + random.below(6000))
      const alive = [...fleet.workers]
      const victim = alive[random.below(alive.length)] as ChildProcess
      if (random.chance(0.2)) {
        // As slow as a machine that swaps: longer than heartbeats allow.
        counts.stopped++
        victim.kill('SIGSTOP')
        void setTimeout(15_000).then(() => victim.kill('SIGCONT'))
      } else {
        counts.killed++
        victim.kill('SIGKILL')
        fleet.start()
      }
      if (!restarted && Date.now() > until - SECONDS * 500) {
        restarted = true
        await fleet.server.restart()
      }
    }
  })()
  const planned: string[] = []
  while (Date.now() < until || counts.sweeps === 0) {
    const from = 16 + 400 * counts.sweeps++
    const scenario = scenarioOf(
      `killed-${from}.yaml`,
      `captures: [${resolve('traces/drain-5.10-s')}, ${resolve('traces/pages-6.1-s')}, poison.dat]
policies: [pcp/linux-5.10, {id: pcp/fixed, set: {high: ${from}..${from + 396} step 4, batch: [15, 31]}}]
`,
    )
    const result = await runSweep({
      scenario,
      store: fleet.path('killed'),
      queue: fleet.server.address,
      chunk: 8,
      retries: 2,
    })
    expect(new Set(result.failed.map(({ capture }) => capture))).toEqual(new Set(['poison.dat']))
    expect(result.missing).toBe(201)
    expect(result.runs).toHaveLength(402)
    counts.runs += result.runs.length
    planned.push(...result.runs.map(({ capture, policy }) => `${capture} ${policy}`))
    if (counts.sweeps === 1) {
      const alone = await runSweep({ scenario, store: fleet.path('alone'), jobs: 1 })
      expect(result.runs).toEqual(alone.runs)
    }
  }
  await harass
  const stored = (await storedDigests()).filter((digest) => !before.has(digest))
  expect(new Set(stored).size).toBe(stored.length)
  expect(stored.length).toBe(new Set(planned).size)
  console.log(
    `${counts.runs} runs in ${counts.sweeps} sweeps; ${counts.killed} workers killed, ${counts.stopped} stopped for 15 s, the server restarted once`,
  )
})
