import { join } from 'node:path'
import { choosePolicy, kvfreePolicies } from '#policies'
import { readCapture } from '#readers'
import { type KvfreeRecord, kvfreeRecord, replayKvfree } from '#replay'
import { measure } from './measure.ts'
import { type Bench, byEvents, million, root, type Topic } from './topic.ts'

/** A small capture is over before the compiler has warmed up, so it is laid end to end so often. */
const TIMES = 200
const WANTED = 20e6

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

async function run({ effort, result }: Bench): Promise<void> {
  for (const kernel of ['6.1', '7.2']) {
    const recording = await readCapture(join(root, `traces/kvfree-${kernel}-s`))
    const { name } = recording
    const [reading, record] = await measure(effort, () => kvfreeRecord(recording))
    result.rows.push(byEvents(name, 'columns → calls, grace periods, work items', recording.events.length, reading))
    const long = laidEndToEnd(record, TIMES)
    for (const { id } of kvfreePolicies) {
      const choice = choosePolicy('kvfree', kvfreePolicies, id)
      const [times] = await measure(effort, () => replayKvfree(long, choice, { works: 'generated' }))
      const row = byEvents(`${name} × ${TIMES}`, `replay under kvfree/${id}`, long.calls.count, times)
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

/** kvfree_rcu(): calls → runs. */
export const kvfree: Topic = { id: 'kvfree', run }
