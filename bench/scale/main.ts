/**
 * `node bench/scale/main.ts`: measures what a sweep on many machines is made of, in CPU time on this machine, and simulates fleets with it.
 * Writes docs/scale/measured.json; docs/scale.md has its tables.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { publishedPrices } from '#metrics/prices'
import { shipped } from '#policies'
import { asDb, inTransaction, openQueue } from '../../src/app/queue/database.ts'
import { startEmbedded } from '../../src/app/queue/embedded.ts'
import { preparePcp, runPcp } from '../../src/app/sweep/measure.ts'
import { Store } from '../../src/app/sweep/store.ts'
import { measure } from '../measure.ts'
import type { Costs } from './simulate.ts'
import { scaleTable, works } from './table.ts'

const CAPTURE = 'traces/drain-5.10-s'
const SMALL = 'traces/pages-7.2-s'
const JOBS = 3000
const SLOTS = 4

const bytesOf = (folder: string): number =>
  readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0)

async function engineCosts() {
  const [prepareTimes, prepared] = await measure({ warmups: 2, repeats: 5 }, () => preparePcp(CAPTURE))
  const { events } = prepared.context
  const policies = ['pcp/linux-5.10', 'pcp/trylock', 'pcp/linux-7.2', 'pcp/fixed', 'pcp/rcu-swap']
  const requests = policies.map((policy) => ({ digest: policy, policy, prices: publishedPrices[0]! }))
  const [runTimes, outcomes] = await measure({ warmups: 2, repeats: 7 }, () => runPcp(prepared, requests, shipped))
  const memoryOf = (capture: string): { bytes: number; events: number } =>
    JSON.parse(
      execFileSync(
        process.execPath,
        ['--disable-warning=ExperimentalWarning', '--conditions=kreplay-src', 'bench/scale/memory.ts', capture],
        { encoding: 'utf8' },
      ),
    )
  const [large, small] = [memoryOf(CAPTURE), memoryOf(SMALL)]
  const folder = mkdtempSync(join(tmpdir(), 'kreplay-scale-'))
  const store = await Store.open(folder)
  const rows = (count: number, name: string) =>
    Array.from({ length: count }, (_, at) => ({
      digest: `${name}-${at}`,
      capture: 'c',
      captureSha256: 's',
      policy: 'p',
      params: '{}',
      prices: 'spr',
      version: '0',
      measures: outcomes[at % outcomes.length]!.measures!,
    }))
  let written = 0
  const put = (count: number) => () => store.put({ context: prepared.context, rows: rows(count, `n${written++}`) })
  const [one] = await measure({ warmups: 5, repeats: 30 }, put(1))
  const [many] = await measure({ warmups: 5, repeats: 30 }, put(45))
  rmSync(folder, { recursive: true })
  const runMs = ((many.median - one.median) * 1000) / 44
  return {
    prepareNsPerEvent: (prepareTimes.median * 1e9) / events,
    runNsPerEvent: (runTimes.median * 1e9) / policies.length / events,
    bytesPerEvent: bytesOf(CAPTURE) / events,
    memoryPerEvent: Math.max(64, (large.bytes - small.bytes) / (large.events - small.events)),
    plannerMsPerRun: runMs,
    storeMs: one.median * 1000 - runMs,
  }
}

/** CPU seconds of a process and of its children that have ended. */
function cpuOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1)!.split(' ')
  return [11, 12, 13, 14].reduce((sum, at) => sum + Number(fields[at]), 0) / 100
}

/** What the queue itself costs: jobs of nothing, taken and completed as workers do, a few at a time. */
async function queueCosts() {
  const server = await startEmbedded()
  Object.assign(process.env, server.env)
  const pid = Number(
    execFileSync('pgrep', ['-o', '-f', `postgres.*-p ${new URL(server.address).port}`], { encoding: 'utf8' }),
  )
  const name = 'bench'
  const atStart = cpuOf(pid)
  const queue = await openQueue(server.address, SLOTS)
  await queue.boss.createQueue(name)
  const job = { data: { chunk: 'x'.repeat(64), runs: [] }, retryLimit: 4, heartbeatSeconds: 10 }
  const before = process.cpuUsage()
  for (let at = 0; at < JOBS; at += 500)
    await queue.boss.insert(
      name,
      Array.from({ length: 500 }, () => job),
    )
  const inserted = process.cpuUsage(before)
  const began = performance.now()
  const from = process.cpuUsage()
  await Promise.all(
    Array.from({ length: SLOTS }, async () => {
      for (;;) {
        const jobs = await queue.boss.fetch(name, { includeMetadata: true, batchSize: 8 })
        if (jobs.length === 0) return
        await inTransaction(queue.pool, async (client) => {
          await client.query(
            `INSERT INTO kreplay.chunk (id, outcomes, runs, host, worker, ms)
             SELECT id, '[]', 1, 'h', 'w', 1 FROM unnest($1::text[]) AS id ON CONFLICT (id) DO NOTHING`,
            [jobs.map(({ id }) => id)],
          )
          await queue.boss.complete(
            name,
            jobs.map(({ id, retryCount }) => ({ id, retryCount })),
            null,
            { db: asDb(client) },
          )
        })
      }
    }),
  )
  const seconds = (performance.now() - began) / 1000
  const spent = process.cpuUsage(from)
  await queue.close()
  // Its children's time is known when they have ended.
  await new Promise((resolve) => setTimeout(resolve, 1000))
  const served = cpuOf(pid) - atStart
  await server.stop()
  return {
    jobsPerSecond: JOBS / seconds,
    workerMsPerJob: (spent.user + spent.system) / 1000 / JOBS,
    insertMsPerJob: (inserted.user + inserted.system) / 1000 / JOBS,
    serverMsPerJob: (served * 1000) / JOBS,
  }
}

const round = (value: number): number => Number(value.toPrecision(3))
const engine = await engineCosts()
const queue = await queueCosts()
const costs: Costs = {
  prepareNsPerEvent: round(engine.prepareNsPerEvent),
  runNsPerEvent: round(engine.runNsPerEvent),
  bytesPerEvent: round(engine.bytesPerEvent),
  memoryPerEvent: round(engine.memoryPerEvent),
  workerMsPerJob: round(queue.workerMsPerJob),
  serverMsPerJob: round(queue.serverMsPerJob),
  plannerMsPerJob: round(engine.storeMs + queue.insertMsPerJob),
  plannerMsPerRun: round(engine.plannerMsPerRun),
}
const measured = {
  machine: `${cpus()[0]?.model ?? 'unknown'}, ${cpus().length} cores, load ${round(loadavg()[0]!)}`,
  node: process.version,
  jobsPerSecond: Math.round(queue.jobsPerSecond),
  costs,
}
writeFileSync('docs/scale/measured.json', `${JSON.stringify(measured, undefined, 2)}\n`)
console.log(JSON.stringify(measured, undefined, 2))
for (const { title, work } of works) console.log(`\n${title}\n\n${scaleTable(work, costs)}`)
process.exit()
