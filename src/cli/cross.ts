import type { Recording } from '#events'
import { UsageError } from '#kernel'
import { type Cross, composeCross, crossCell } from '#metrics'
import { choosePcp } from '#policies'
import { type Inference, infer, recordedStages, runPolicy, type StagePages, scriptOf, stagesOf } from '#replay'

interface Recorded extends Inference {
  readonly name: string
  readonly rules: '5.10' | '6.1' | '6.12' | '7.2'
  readonly ends: readonly number[]
  readonly stages: StagePages
}

function recordedOf(recording: Recording): Recorded {
  const { name, machine, events } = recording
  const rules = machine.release?.rules
  if (rules === undefined)
    throw new UsageError(`${name} does not say which kernel recorded it`, 'a capture folder has a file `uname`')
  const inference = infer(scriptOf(recording))
  const ends = stagesOf(events)
  return { ...inference, name, rules, ends, stages: recordedStages(inference.script, ends) }
}

/** `from`'s allocations and frees under the rules of `to`'s kernel, on lists that begin as `to`'s did. */
function predict(from: Recorded, to: Recorded) {
  const { machine } = from.script
  const { zones, release } = to.script.machine
  const script =
    from === to
      ? from.script
      : {
          ...from.script,
          machine: { ...machine, zones, ...(release === undefined ? {} : { release }) },
          zones: to.script.zones,
        }
  const { initial, listOrders, listTypes } = to.inferred
  const { result } = runPolicy(
    script,
    choosePcp(`pcp/linux-${to.rules}`, to.rules),
    { ...from.inferred, initial, listOrders, listTypes },
    { steps: from.ends },
  )
  const drained = from.ends.map(() => 0)
  for (const { time, pages } of result.bursts) {
    const stage = from.ends.findIndex((end) => time <= end)
    drained[stage < 0 ? from.ends.length - 1 : stage]! += pages
  }
  return {
    pages: { allocated: from.stages.allocated, refilled: [...result.refillPages], drained },
    interruptions: result.work.interruptions,
  }
}

const count = (times: Readonly<Record<string, number>>): number =>
  Object.values(times).reduce((sum, one) => sum + one, 0)

/**
 * Each capture under the rules of each capture's kernel, against what that kernel recorded itself. The captures must be of one
 * workload, with as many stages.
 *
 * @throws UsageError where they are not
 */
export function crossKernels(recordings: readonly Recording[]): Cross {
  const all = recordings.map(recordedOf)
  const [first] = all
  const other = all.find(({ ends }) => ends.length !== first!.ends.length)
  if (other !== undefined)
    throw new UsageError(
      `${first!.name} has ${first!.ends.length} stages, ${other.name} has ${other.ends.length}`,
      'give captures of one workload',
    )
  return composeCross(
    all.flatMap((from) =>
      all.map((to) => {
        const { pages, interruptions } = predict(from, to)
        return crossCell({ capture: from.name, rules: `pcp/linux-${to.rules}`, against: to.name }, pages, to.stages, {
          predicted: interruptions,
          recorded: count(to.script.recordedInterruptions),
        })
      }),
    ),
  )
}
