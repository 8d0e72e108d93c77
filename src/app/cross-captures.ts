import { UsageError } from '#kernel/messages'
import type { Cross } from '#metrics/cross'
import { crossKernels } from './cross.ts'
import type { Progress } from './progress.ts'
import { readFor } from './read.ts'

/** @throws UsageError for fewer than two captures, or captures of several workloads */
export async function cross(captures: readonly string[], progress?: Progress): Promise<Cross> {
  if (captures.length < 2) throw new UsageError('cross needs two or more captures', 'give captures of one workload')
  const recordings = []
  for (const capture of captures) recordings.push(await readFor({ capture, progress }))
  progress?.('replaying each capture under each kernel', 0, 1)
  return crossKernels(recordings)
}
