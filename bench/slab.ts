import { join } from 'node:path'
import { SlabAsk, SlabDemandBuilder } from '#events/demand'
import { choosePolicy } from '#policies'
import { slabPolicies } from '#policies/slab'
import { readCapture } from '#readers'
import { runSlab, type SlabRecord, slabRecord } from '#replay/slab'
import { measure } from './measure.ts'
import { type Bench, byEvents, million, root, type Topic } from './topic.ts'

/** A small capture is over before the compiler has warmed up, so it is laid end to end so often; for a cold run it need not be. */
const TIMES = 40
const WANTED = 10e6

/** The demand of a record again and again, each time after the one before, of objects of its own. What was held at the start is freed once. */
function laidEndToEnd(record: SlabRecord, times: number): SlabRecord {
  const { demand, from, to, slabAtStart } = record
  const { time, ask, cpu, cache, object, length, objects } = demand
  const builder = new SlabDemandBuilder()
  const number = new Int32Array(objects * times).fill(-1)
  const slabs: number[] = []
  for (let k = 0; k < times; k++)
    for (let row = 0; row < length; row++) {
      if (ask[row] === SlabAsk.prefill || ask[row] === SlabAsk.returnPrefilled) {
        builder.push(time[row]! + k * (to - from), ask[row]!, cpu[row]!, cache[row]!, object[row]!)
        continue
      }
      const of = k * objects + object[row]!
      if (number[of]! < 0) {
        if (ask[row] !== SlabAsk.alloc && ask[row] !== SlabAsk.allocPrefilled && k > 0) continue
        number[of] = builder.newObject()
        slabs.push(k === 0 ? slabAtStart[object[row]!]! : -1)
      }
      builder.push(time[row]! + k * (to - from), ask[row]!, cpu[row]!, cache[row]!, number[of]!)
    }
  return { ...record, to: from + times * (to - from), demand: builder.finish(), slabAtStart: Int32Array.from(slabs) }
}

/** The slab allocator: events → demand → runs. */
export const slab: Topic = {
  id: 'slab',
  run: async ({ effort, result }: Bench) => {
    const times = effort.warmups === 0 ? 2 : TIMES
    for (const name of ['slab-6.12-paths', 'slab-7.2-paths']) {
      const recording = await readCapture(join(root, 'traces', name))
      const [reading, record] = await measure(effort, () => slabRecord(recording))
      result.rows.push(byEvents(name, 'columns → caches, demand, start', recording.events.length, reading))
      const long = laidEndToEnd(record, times)
      for (const { id } of slabPolicies) {
        const choice = choosePolicy('slab', slabPolicies, id)
        const [taken] = await measure(effort, () =>
          runSlab(long, choice, { counters: recording.machine.slabsBefore, warm: true, steps: 100 }),
        )
        const row = byEvents(`${name} × ${times}`, `replay under slab/${id}`, long.demand.length, taken)
        result.rows.push(row)
        result.targets.push({
          capture: name,
          what: `allocations and frees replayed under slab/${id}`,
          atLeast: million(WANTED),
          found: million(row.eventsPerCpuSecond!),
          met: row.eventsPerCpuSecond! >= WANTED,
        })
      }
    }
  },
}
