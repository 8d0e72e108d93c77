import type { Scenario } from '#events'
import { UsageError } from '#kernel/messages'
import { checkParams } from '#policies'
import { SCENARIO_SCHEMA } from '#readers'
import type { Scene } from '#replay'
import { chooseWorkload, isModelled } from './workloads.ts'
import { writeWhole } from './write-files.ts'

/** What a scenario comes to. @throws UsageError for an unknown workload or parameter, or one out of bounds */
export function sceneOf({ workload, params }: Scenario): Scene {
  const found = chooseWorkload(workload)
  if (!isModelled(found)) throw new UsageError(`${workload} makes events, no scenario`)
  return found.create(checkParams(workload, found.params, params, '`kreplay synth --list` shows the bounds'))
}

/** Writes a workload with what is set as a file that `compare` takes. */
export async function writeScenario(scenario: Scenario, path: string): Promise<void> {
  sceneOf(scenario)
  await writeWhole(path, `${JSON.stringify({ schema: SCENARIO_SCHEMA, ...scenario }, undefined, 2)}\n`)
}
