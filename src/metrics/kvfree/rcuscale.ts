import type { Ns } from '#kernel'
import { RCU_SEQ_INITIAL, RCU_SEQ_STEP, rcuSeqDiff } from '#kernel/rcu'
import type { WorkloadRun } from '#replay'
import type { KvfreeComparedRun } from './schema.ts'

const PAGE_SIZE = 4096

/**
 * What `memory footprint` prints, in MB: available memory before the first loop, less a value that at each quarter of the loops is
 * put halfway between itself and what is available then. In whole pages. Source: kfree_scale_thread(), kernel/rcu/rcuscale.c, 6.1.
 */
export function footprintMiB(usedPages: readonly number[]): number {
  const [begin = 0, ...quarters] = usedPages
  // Of memory in use instead of available: the difference is the same, but for where halves are cut.
  const during = quarters.reduce((mean, used) => Math.ceil((mean + used) / 2), begin)
  return Math.floor((during - begin) / (2 ** 20 / PAGE_SIZE))
}

/** gp_seq at a moment of a run that began idle. */
function seqAt(intervals: WorkloadRun['gracePeriods']['intervals'], time: Ns): number {
  let seq = RCU_SEQ_INITIAL
  for (const { start, end = Number.POSITIVE_INFINITY } of intervals) {
    if (start > time) break
    seq += end <= time ? RCU_SEQ_STEP : 1
  }
  return seq
}

/** The line that the last thread to finish prints. */
export function rcuscaleOf({ flows, gracePeriods }: WorkloadRun, loops: number): KvfreeComparedRun['rcuscale'] {
  const { tasks } = flows
  const last = tasks.reduce((a, b) => ((b.ended ?? 0) > (a.ended ?? 0) ? b : a))
  const end = last.ended ?? 0
  const timeNs = Math.round(end - last.flow.start)
  const begun = Math.max(...tasks.map(({ flow }) => flow.start))
  const batches = rcuSeqDiff(seqAt(gracePeriods.intervals, end), seqAt(gracePeriods.intervals, begun))
  const footprint = footprintMiB(last.samples.map(({ pages }) => pages))
  return {
    line: `Total time taken by all kfree'ers: ${timeNs} ns, loops: ${loops}, batches: ${batches}, memory footprint: ${footprint}MB`,
    timeNs,
    batches,
    footprintMiB: footprint,
  }
}
