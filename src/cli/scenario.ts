import { z } from 'zod'
import type { Scenario } from '#events'
import { UsageError } from '#kernel'
import { didYouMean, type ParamValue } from '#policies'
import { SCENARIO_SCHEMA } from '#readers'
import { type AnyKvfreeWorkload, kvfreeWorkloads, type Scene } from '#replay'
import { writeWhole } from './terminal.ts'

export const findWorkload = (id: string): AnyKvfreeWorkload | undefined => kvfreeWorkloads.find((one) => one.id === id)

function checked({ id, params }: AnyKvfreeWorkload, given: Readonly<Record<string, ParamValue>>) {
  const known = Object.keys(params.shape)
  const unknown = Object.keys(given).find((name) => !known.includes(name))
  if (unknown !== undefined) {
    const near = didYouMean(unknown, known)
    throw new UsageError(
      `${id} has no parameter "${unknown}"`,
      near.length > 0 ? `did you mean ${near.join(' or ')}?` : `it has ${known.join(', ')}`,
    )
  }
  const result = params.safeParse(given)
  if (result.success) return result.data
  throw new UsageError(`${id}: ${z.prettifyError(result.error).split('\n').slice(0, 2).join(' ')}`)
}

/** What a scenario comes to. @throws UsageError for an unknown workload or parameter, or one out of bounds */
export function sceneOf({ workload, params }: Scenario): Scene {
  const found = findWorkload(workload)
  if (found === undefined)
    throw new UsageError(
      `there is no workload "${workload}"`,
      `known: ${kvfreeWorkloads.map(({ id }) => id).join(', ')}`,
    )
  return found.create(checked(found, params))
}

/** Writes a workload with what is set as a file that `compare` takes. */
export async function writeScenario(scenario: Scenario, path: string): Promise<void> {
  sceneOf(scenario)
  await writeWhole(path, `${JSON.stringify({ schema: SCENARIO_SCHEMA, ...scenario }, undefined, 2)}\n`)
}
