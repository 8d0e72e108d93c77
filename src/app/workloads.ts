import { didYouMean, UsageError } from '#kernel/messages'
import { type AnyKvfreeWorkload, kvfreeWorkloads } from '#replay'
import { type AnyWorkload, workloads } from '#synth'

type NamedWorkload = AnyWorkload | AnyKvfreeWorkload

/** Every workload that `synth` knows by name. */
export const namedWorkloads: readonly NamedWorkload[] = [...workloads, ...kvfreeWorkloads]

/** Whether it runs on a model of a machine, and makes no events. */
export const isModelled = (workload: NamedWorkload): workload is AnyKvfreeWorkload =>
  kvfreeWorkloads.some((one) => one === workload)

/** @throws UsageError where there is none of that name */
export function chooseWorkload(id: string): NamedWorkload {
  const workload = namedWorkloads.find((one) => one.id === id)
  if (workload !== undefined) return workload
  const known = namedWorkloads.map((one) => one.id)
  const near = didYouMean(id, known)
  throw new UsageError(
    `there is no workload "${id}"`,
    near.length > 0 ? `did you mean ${near.join(' or ')}?` : `there are ${known.join(', ')}`,
  )
}
