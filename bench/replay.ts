import { fidelityOf } from '#metrics'
import { choosePcp } from '#policies'
import { readCapture } from '#readers'
import { infer, Op, runPolicy, scriptOf } from '#replay'
import { measure } from './measure.ts'
import { type Bench, byEvents, eachCapture, million, type Topic } from './topic.ts'

export const POLICIES = [
  'pcp/linux-5.10',
  'pcp/linux-6.1',
  'pcp/linux-6.12',
  'pcp/rcu-swap',
  'pcp/spinlock',
  'pcp/trylock',
  'pcp/fixed',
  'pcp/none',
]

async function replayAll(path: string, { effort, result }: Bench): Promise<void> {
  const { rows, targets } = result
  const capture = await readCapture(path)
  const { name, events, machine } = capture
  const { length } = events
  const [scripting, script] = await measure(effort, () => scriptOf(capture))
  rows.push(byEvents(name, 'columns → script', length, scripting, 'once for all policies'))
  const [own, inference] = await measure(effort, () => infer(script))
  rows.push(byEvents(name, 'fidelity: own policy, put right from the record', length, own))
  const [scoring] = await measure(effort, () => fidelityOf(capture, script, inference))
  rows.push(byEvents(name, 'fidelity: without resync, and the scores', length, scoring))

  const rules = machine.release?.rules ?? '6.1'
  const acting = script.op.reduce((sum, op) => sum + Number(op === Op.alloc || op === Op.free), 0)
  const speeds: number[] = []
  for (const id of POLICIES) {
    const choice = choosePcp(id, rules)
    const [times] = await measure(effort, () => runPolicy(script, choice, inference.inferred, { isolated: [3] }))
    // The other events only say what the kernel did: so both speeds are told.
    const acts = `${million(acting / times.median)} allocations and frees`
    const row = byEvents(name, `replay under ${id}`, length, times, acts)
    rows.push(row)
    speeds.push(row.eventsPerCpuSecond!)
  }
  const slowest = Math.min(...speeds)
  targets.push({
    capture: name,
    what: 'page replay with counters and buddy, the slowest policy',
    atLeast: million(20e6),
    found: million(slowest),
    met: slowest >= 20e6,
  })
}

/** Columns → runs. */
export const replay: Topic = { id: 'replay', run: eachCapture(replayAll) }
