import { join } from 'node:path'
import { choosePolicy } from '#policies'
import { kvfreePolicies } from '#policies/kvfree'
import { readCapture } from '#readers'
import { type KvfreeRecord, kvfreeRecord, kvfreeWorkloads, replayKvfree, runWorkload } from '#replay'
import { measure } from './measure.ts'
import { type Bench, byEvents, million, root, type Topic } from './topic.ts'

/** A small capture is over before the compiler has warmed up, so it is laid end to end so often; for a cold run it need not be. */
const TIMES = 200
const WANTED = 20e6
/** kfree_loops of rcuscale with 16 threads of 8000 objects a loop: 1e7 and 1e8 objects, and 1e9 with --large. */
const LOOPS = [80, 800]
const LARGE_LOOPS = 8000
/** An object of the longest run may cost so many times one of the run before it. */
const LINEAR = 1.25

/** The calls and grace periods of a record again and again, each time after the one before. */
function laidEndToEnd(record: KvfreeRecord, times: number): KvfreeRecord {
  const { start, end, calls, gracePeriods } = record
  const span = end - start
  const again = <T>(make: (shift: number) => readonly T[]): T[] =>
    Array.from({ length: times }, (_, k) => make(k * span)).flat()
  const cpus = calls.cpus.map(({ time, single, kind }) => {
    const n = time.length
    const long = {
      time: new Float64Array(n * times),
      single: new Uint8Array(n * times),
      kind: new Uint8Array(n * times),
    }
    for (let k = 0; k < times; k++) {
      long.single.set(single, k * n)
      long.kind.set(kind, k * n)
      for (let row = 0; row < n; row++) long.time[k * n + row] = time[row]! + k * span
    }
    return long
  })
  const whole = gracePeriods.intervals.filter((one) => one.end !== undefined)
  return {
    ...record,
    end: start + span * times,
    calls: { ...calls, cpus, count: calls.count * times },
    gracePeriods: {
      ...gracePeriods,
      intervals: again((shift) => whole.map((one) => ({ ...one, start: one.start + shift, end: one.end! + shift }))),
    },
  }
}

async function runRecorded({ effort, result }: Bench): Promise<void> {
  const times = effort.warmups === 0 ? 2 : TIMES
  for (const kernel of ['6.1', '7.2']) {
    const recording = await readCapture(join(root, `traces/kvfree-${kernel}-s`))
    const { name } = recording
    const [reading, record] = await measure(effort, () => kvfreeRecord(recording))
    result.rows.push(byEvents(name, 'columns → calls, grace periods, work items', recording.events.length, reading))
    const long = laidEndToEnd(record, times)
    for (const { id } of kvfreePolicies) {
      const choice = choosePolicy('kvfree', kvfreePolicies, id)
      const [taken] = await measure(effort, () => replayKvfree(long, choice, { works: 'generated' }))
      const row = byEvents(`${name} × ${times}`, `replay under kvfree/${id}`, long.calls.count, taken)
      result.rows.push(row)
      if (id !== `linux-${kernel}`) continue
      result.targets.push({
        capture: name,
        what: `calls of kvfree_call_rcu() replayed under kvfree/${id}`,
        atLeast: million(WANTED),
        found: million(row.eventsPerCpuSecond!),
        met: row.eventsPerCpuSecond! >= WANTED,
      })
    }
  }
}

/** What an object costs however many there are. */
async function runRcuscale({ few, large, result }: Bench): Promise<void> {
  const workload = kvfreeWorkloads.find(({ id }) => id === 'rcuscale')!
  const { policy, params } = choosePolicy('kvfree', kvfreePolicies, 'polled-v2')
  const nsPerObject: number[] = []
  for (const loops of large ? [...LOOPS, LARGE_LOOPS] : LOOPS) {
    const scene = workload.create(workload.params.parse({ loops }))
    const [times, { result: run }] = await measure(few, () => runWorkload(scene, policy, params, 1))
    const ns = (times.median * 1e9) / run.ledger.enqueued
    nsPerObject.push(ns)
    const what = 'workload under kvfree/polled-v2'
    result.rows.push(byEvents('rcuscale', what, run.ledger.enqueued, times, `${ns.toFixed(2)} ns an object`))
  }
  const [before = 0, last = 0] = nsPerObject.slice(-2)
  result.targets.push({
    capture: 'rcuscale',
    what: `CPU time of an object with ${large ? '1e9 of them, beside 1e8' : '1e8 of them, beside 1e7'}`,
    atLeast: `at most ${LINEAR} ×`,
    found: `${(last / before).toFixed(2)} ×`,
    met: last <= LINEAR * before,
  })
}

/** kvfree_rcu(): calls → runs. */
export const kvfree: Topic = {
  id: 'kvfree',
  run: async (bench) => {
    await runRecorded(bench)
    await runRcuscale(bench)
  },
}
