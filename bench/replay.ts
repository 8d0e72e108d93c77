import { infer, whatIfOf } from '#estimate'
import type { WhatIf } from '#events/demand'
import type { Kernel } from '#kernel/releases'
import { fidelityOf } from '#metrics'
import { lockPricesOf, publishedPrices } from '#metrics/prices'
import { choosePcp } from '#policies'
import { readCapture } from '#readers'
import { Op, type Script, scriptOf } from '#record'
import { runPolicy } from '#replay'
import { measure } from './measure.ts'
import { repeated } from './repeated.ts'
import { type Bench, byEvents, eachCapture, million, speedTarget, type Topic } from './topic.ts'

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

/** Events of the longer and longer traces of `--large`, at least. */
const LENGTHS = [1e6, 1e7, 1e8]
/** A CPU-second may bring so much less at 100 M events than at the fewest before the cost is called more than linear. */
const LINEAR = 0.8

async function replayAll(path: string, { effort, large, result }: Bench): Promise<void> {
  const { rows, targets } = result
  const capture = await readCapture(path)
  const { name, events, machine } = capture
  const { length } = events
  const [scripting, script] = await measure(effort, () => scriptOf(capture))
  rows.push(byEvents(name, 'columns → script', length, scripting, 'once for all policies'))
  const [own, inference] = await measure(effort, () => infer(script))
  rows.push(byEvents(name, 'fidelity: own policy, corrected from the record', length, own))
  const [scoring] = await measure(effort, () => fidelityOf(capture, script, inference))
  rows.push(byEvents(name, 'fidelity: without resync, and the scores', length, scoring))

  const whatIf = whatIfOf(inference)
  const acting = script.op.reduce((sum, op) => sum + Number(op === Op.alloc || op === Op.free), 0)
  const speeds: number[] = []
  for (const id of POLICIES) {
    const choice = choosePcp(id, machine.release)
    const [times] = await measure(effort, () => runPolicy(whatIf, choice, { isolated: [3] }))
    // The other events only say what the kernel did: so both speeds are printed.
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

  await ownedBlocks(name, length, whatIf, machine.release, effort, { rows, targets })

  const six = POLICIES.slice(0, 6).map((id) => choosePcp(id, machine.release))
  const [together] = await measure(effort, () => six.map((choice) => runPolicy(whatIf, choice, { isolated: [3] })))
  const policyEvents = byEvents(
    name,
    'six policies, one after the other',
    six.length * length,
    together,
    'policy-events',
  )
  rows.push(policyEvents)
  // On one core: two can’t be slower.
  targets.push(speedTarget(policyEvents, 20e6))
  const prices = publishedPrices.map(lockPricesOf)
  const [priced] = await measure(effort, () =>
    six.map((choice) => runPolicy(whatIf, choice, { isolated: [3], prices })),
  )
  const note = `policy-events, waits under ${prices.length} price lists`
  rows.push(byEvents(name, 'six policies, with who waited how long', six.length * length, priced, note))
  if (large) await longer(name, script, whatIf, result)
}

/** Lists of blocks, which CPUs share: linked, merged, and with owners to find. */
async function ownedBlocks(
  name: string,
  length: number,
  whatIf: WhatIf,
  kernel: Kernel,
  effort: Bench['effort'],
  { rows, targets }: Pick<Bench['result'], 'rows' | 'targets'>,
): Promise<void> {
  const choice = choosePcp('pcp/block-owner', kernel)
  const [times] = await measure(effort, () => runPolicy(whatIf, choice, { isolated: [3] }))
  const row = byEvents(name, `replay under ${choice.id}`, length, times)
  rows.push(row)
  targets.push(speedTarget(row, 10e6))
}

/** The same recording over and over. */
async function longer(name: string, script: Script, whatIf: WhatIf, { rows, targets }: Bench['result']): Promise<void> {
  const choice = choosePcp('pcp/linux-6.1', script.machine.release)
  const speeds: number[] = []
  for (const events of LENGTHS) {
    const rounds = Math.ceil(events / script.events)
    const long = repeated(whatIf, rounds)
    const [times] = await measure({ warmups: 1, repeats: 3 }, () => runPolicy(long, choice))
    const row = byEvents(name, `replay under ${choice.id}, ${rounds} times over`, rounds * script.events, times)
    rows.push(row)
    speeds.push(row.eventsPerCpuSecond!)
  }
  const kept = speeds.at(-1)! / speeds[0]!
  targets.push({
    capture: name,
    what: `events a CPU-second at 100 M events, of those at ${LENGTHS[0]! / 1e6} M or once over`,
    atLeast: `${LINEAR} ×`,
    found: `${kept.toFixed(2)} ×`,
    met: kept >= LINEAR,
  })
}

/** Columns → runs. */
export const replay: Topic = { id: 'replay', run: eachCapture(replayAll) }
