import { infer } from '#estimate'
import type { Recording, Scenario } from '#events'
import { fidelityOf } from '#metrics'
import {
  composeKvfree,
  hasKvfree,
  type KvfreeCapture,
  kvfreeWorkSchema,
  measureKvfree,
  measureWorkload,
} from '#metrics/kvfree'
import { type Catalogue, choosePolicy } from '#policies'
import { scriptOf } from '#record'
import { kvfreeRecord, ownKvfree, pagesAtStart, replayKvfree, runWorkload } from '#replay'
import { sceneOf } from '../scenario.ts'
import type { Family, Settings } from './family.ts'

/** Steps of the series over the trace. */
const STEPS = 400

const choose = (id: string, set: Settings, { kvfree }: Catalogue) => choosePolicy('kvfree', kvfree, id, set)

export const kvfree: Family = {
  id: 'kvfree',
  paramNames: ({ kvfree }) => kvfree.flatMap(({ params }) => Object.keys(params.shape)),
  paramNamesOf: (id, catalogue) => Object.keys(choose(id, {}, catalogue).policy.params.shape),
  workFields: Object.keys(kvfreeWorkSchema.shape),
  policyId: (id, set, catalogue) => choose(id, set, catalogue).id,
  lacks: (recording) =>
    recording.scenario !== undefined || hasKvfree(recording)
      ? undefined
      : {
          what: 'the trace holds no rcu_grace_period, or no call of kvfree_call_rcu() and no callbacks and bulk frees that would prove one',
          hint: 'Record with `kreplay capture --for kvfree`.',
        },
  windows: false,
  ownRuns: 1,
  start: ({ policies, baseline, set, catalogue, version, onRun }) => {
    const captures: KvfreeCapture[] = []
    return { add, compose: () => composeKvfree(captures, baseline, version) }

    function add(recording: Recording, isolated: readonly number[]): void {
      captures.push(
        recording.scenario === undefined ? recorded(recording, isolated) : workload(recording, recording.scenario),
      )
    }

    function workload(recording: Recording, scenario: Scenario): KvfreeCapture {
      const scene = sceneOf(scenario)
      const runs = policies.map((id) => {
        onRun(id)
        const { policy, params } = choose(id, set, catalogue)
        return measureWorkload(
          recording.name,
          { policy: id, params },
          scene,
          runWorkload(scene, policy, params, scenario.seed),
        )
      })
      return {
        recording,
        isolated: [],
        tally: [],
        cpus: scene.machine.cpus,
        zones: [],
        runs,
        notes: [
          'A workload on a model of a machine. Which of its figures were calibrated on published ones stands in docs/rcuscale.md.',
        ],
      }
    }

    function recorded(recording: Recording, isolated: readonly number[]): KvfreeCapture {
      const record = kvfreeRecord(recording)
      const script = scriptOf(recording)
      const start = pagesAtStart(record, ownKvfree(recording.machine))
      const runs = policies.map((id) => {
        onRun(id)
        return measureKvfree(
          recording.name,
          replayKvfree(record, choose(id, set, catalogue), { works: 'generated', steps: STEPS, pagesAtStart: start }),
        )
      })
      return {
        recording,
        isolated,
        tally: script.tally,
        cpus: record.cpus,
        zones: script.zones,
        fidelity: fidelityOf(recording, script, infer(script)),
        runs,
        notes: [
          'Calls and grace periods are the recording’s under every policy: none makes its caller slower, nor asks for a grace period that the recording kernel did not run. Work items and callbacks begin as late as the record shows that the machine’s own did; the model error is the larger of two, with those delays learnt from all of the record and with each learnt from others.',
          ...(recording.events.tables.rcu_probe.length > 0
            ? [
                `This kernel has no RCU events: probes on its functions stand for them${record.periodsInferred ? ', and grace periods are inferred from the batches that waited for them' : ''}.`,
              ]
            : []),
          ...(record.calls.inferred
            ? [
                'kvfree_call_rcu() was not traced: the moments of calls are inferred, spread evenly between two detaches.',
              ]
            : []),
        ],
      }
    }
  },
}
