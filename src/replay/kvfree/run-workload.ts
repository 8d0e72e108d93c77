import type { Ns } from '#kernel'
import { randomOf } from '#kernel/numbers'
import type { AnyKvfreePolicy } from '#policies/kvfree'
import { GeneratedGracePeriods } from '#sim'
import { KvfreeEngine, type KvfreeResult } from './engine.ts'
import { Flows } from './flows.ts'
import { Footprint } from './footprint.ts'
import { Machine } from './machine.ts'
import type { Scene } from './workloads/index.ts'

export interface WorkloadRun {
  readonly result: KvfreeResult
  readonly machine: Machine
  readonly flows: Flows
  readonly footprint: Footprint
  readonly gracePeriods: GeneratedGracePeriods
  /** When the last object came. */
  readonly lastCall: Ns
}

/** Runs a workload on the machine model under one policy. A pure function of its arguments. */
export function runWorkload(
  scene: Scene,
  policy: AnyKvfreePolicy,
  params: Readonly<Record<string, unknown>>,
  seed: number,
): WorkloadRun {
  const { machine: machineParams, stalls, tailNs, bootedAt = 0 } = scene
  const { cpus, hz } = machineParams
  const flows = new Flows(cpus, scene.flows, randomOf(seed, 'calls'))
  const gracePeriods = new GeneratedGracePeriods(
    { ...machineParams, idleShare: 1 - scene.flows.length / cpus, stalls },
    randomOf(seed, 'grace periods'),
  )
  const parts: { machine?: Machine; footprint?: Footprint } = {}
  const engine = new KvfreeEngine(
    {
      cpus,
      hz,
      start: 0,
      get end() {
        return flows.end + tailNs
      },
      steps: 0,
      arrivals: flows,
      gracePeriods,
      pageLists: machineParams,
      executor: (clock, ledger, lists) => {
        parts.machine = new Machine(
          { ...machineParams, bootedAt },
          flows,
          clock,
          ledger,
          lists,
          randomOf(seed, 'machine'),
        )
        parts.footprint = new Footprint(clock, ledger)
        return parts.machine
      },
      allocatePage: (by, cpu) => {
        if (by === 'caller') flows.of(cpu)?.delay(machineParams.pageNs)
        return true
      },
    },
    policy,
    params,
  )
  flows.onReclaim = (cpu) => engine.shrink(cpu)
  const result = engine.run()
  return { result, machine: parts.machine!, footprint: parts.footprint!, flows, gracePeriods, lastCall: flows.end }
}
