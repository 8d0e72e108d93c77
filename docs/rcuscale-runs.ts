/**
 * docs/rcuscale.json: the published lines of rcuscale simulated in full, and memory as more readings tell it, with other threads too.
 * `node --conditions=kreplay-src docs/rcuscale-runs.ts` makes it, some ten minutes of one core.
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { choosePolicy, kvfreeWorkloads, runWorkload, shipped } from 'kreplay'
import { measureWorkload, type PublishedTable, publishedRcuscale } from '#metrics/kvfree'

export type Row = readonly [timeS: number, batches: number, footprint: number]
/** Lines by the id of the published table. */
export type Lines = Readonly<Record<string, readonly Row[]>>
/** What was not available, by many readings of every thread. */
interface Readings {
  readonly id: string
  readonly params: Readonly<Record<string, number>>
  /** From one grace period to the next, ms. */
  readonly gpMs: number
  readonly meanMiB: number
  readonly sdMiB: number
}
export interface RcuscaleRuns {
  readonly lines: Lines
  readonly readings: readonly Readings[]
}

/** Seeds from 1 on, of whole runs and of those for readings. */
const SEEDS = { lines: 10, readings: 4 }
const THREADS: readonly Record<string, number>[] = [{}, { startNs: 0 }, { startNs: 1e6 }, { costSpread: 0.05 }]
const workload = kvfreeWorkloads.find(({ id }) => id === 'rcuscale')!
const seeds = (n: number): number[] => Array.from({ length: n }, (_, at) => at + 1)

function simulate(table: PublishedTable): Row[] {
  const { id, policy, params } = choosePolicy('kvfree', shipped.kvfree, `kvfree/${table.policy}`)
  const scene = workload.create(workload.params.parse({ nocb: table.nocb }))
  return seeds(SEEDS.lines).map((seed): Row => {
    const run = runWorkload(scene, policy, params, seed)
    const { rcuscale } = measureWorkload('rcuscale', { policy: id, params }, scene, run)
    process.stderr.write(`${table.id}, seed ${seed}: ${rcuscale!.line}\n`)
    return [rcuscale!.timeNs / 1e9, rcuscale!.batches, rcuscale!.footprintMiB]
  })
}

/** Of a shorter run, from when memory has filled until the first thread ends, every five loops. */
function readingsOf(table: PublishedTable, set: Record<string, number>): Readings {
  const { policy, params } = choosePolicy('kvfree', shipped.kvfree, `kvfree/${table.policy}`)
  const scene = workload.create(workload.params.parse({ nocb: table.nocb, loops: 1500, ...set }))
  const flows = scene.flows.map((flow) => ({ ...flow, sampleEvery: flow.objects / 300 }))
  const runs = seeds(SEEDS.readings).map((seed) => runWorkload({ ...scene, flows }, policy, params, seed))
  const values = runs.flatMap(({ flows: { tasks } }) => {
    const end = Math.min(...tasks.map(({ ended }) => ended!))
    const samples = tasks.flatMap((task) => task.samples)
    return samples.filter(({ time }) => time > 0.15 * end && time < end).map(({ pages }) => pages / 256)
  })
  const mean = values.reduce((sum, value) => sum + value) / values.length
  const time = runs.reduce((sum, { lastCall }) => sum + lastCall, 0)
  const gracePeriods = runs.flatMap(({ gracePeriods: { intervals }, lastCall }) =>
    intervals.filter(({ start }) => start < lastCall),
  )
  return {
    id: table.id,
    params: set,
    gpMs: time / gracePeriods.length / 1e6,
    meanMiB: mean,
    sdMiB: Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length),
  }
}

if (import.meta.main) {
  const runs: RcuscaleRuns = {
    readings: THREADS.flatMap((set) => publishedRcuscale.slice(1).map((table) => readingsOf(table, set))),
    lines: Object.fromEntries(publishedRcuscale.map((table) => [table.id, simulate(table)])),
  }
  await writeFile(join(import.meta.dirname, 'rcuscale.json'), `${JSON.stringify(runs, undefined, 1)}\n`)
}
