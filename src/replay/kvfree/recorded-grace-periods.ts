import { type Events, Kind } from '#events'
import type { Ns } from '#kernel'
import { RcuSequences, rcuSeqState } from '#kernel/rcu'
import type { GpInterval } from '#sim'
import type { WorkRun } from './recorded-works.ts'

interface Open {
  readonly gpSeq: number
  readonly start: Ns
  readonly requested: Ns | undefined
  by: string | undefined
}

/**
 * Grace periods as a trace holds them, in order of start, and the counters at its beginning. Start and end of one carry equal numbers;
 * expedited ones the number they end with. One that ran when the trace began is taken to have begun with it.
 */
export function gracePeriodsOf(events: Events): { intervals: GpInterval[]; first: RcuSequences } {
  const { kind: kinds, cpu: cpus, slot: slots, time: times, tables, strings } = events
  const intervals: GpInterval[] = []
  const open: [normal: Open | undefined, expedited: Open | undefined] = [undefined, undefined]
  const first: [normal: number | undefined, expedited: number | undefined] = [undefined, undefined]
  const requested: [normal: Ns | undefined, expedited: Ns | undefined] = [undefined, undefined]
  const begin = events.length > 0 ? times[0]! : 0
  const close = (of: 0 | 1, end: Ns | undefined) => {
    const gp = open[of]
    if (gp === undefined) return
    const { start, by } = gp
    intervals.push({ expedited: of === 1, requested: gp.requested, start, end, endedBy: by })
    open[of] = undefined
  }
  for (let row = 0; row < events.length; row++) {
    const kind = kinds[row]!,
      slot = slots[row]!,
      time = times[row]!
    const of = kind === Kind.rcu_grace_period ? 0 : kind === Kind.rcu_exp_grace_period ? 1 : undefined
    if (of === undefined) continue
    const { gpSeq: seqs, gpevent } = (of === 0 ? tables.rcu_grace_period : tables.rcu_exp_grace_period).column
    const gpSeq = seqs.data[slot] as number
    const event = strings.get(gpevent.data[slot] as number)
    switch (event) {
      case 'newreq':
        requested[0] ??= time
        break
      case 'snap':
        requested[1] ??= time
        break
      case 'start':
        close(of, undefined)
        first[of] ??= of === 0 ? gpSeq - 1 : gpSeq - 4
        open[of] = { gpSeq, start: time, requested: requested[of], by: undefined }
        requested[of] = undefined
        break
      case 'end':
        if (open[of] === undefined && first[of] === undefined) {
          first[of] = of === 0 ? gpSeq - rcuSeqState(gpSeq) : gpSeq - 4
          open[of] = { gpSeq, start: begin, requested: undefined, by: undefined }
        }
        close(of, time)
        break
      default:
        if (of === 1 || open[0]?.gpSeq !== gpSeq) break
        if (event === 'cpuqs') open[0].by = `CPU ${cpus[row]}`
        else if (event === 'fqsend') open[0].by = 'the scan for idle CPUs'
    }
  }
  close(0, undefined)
  close(1, undefined)
  intervals.sort((a, b) => a.start - b.start)
  return { intervals, first: new RcuSequences(first[0], first[1]) }
}

/**
 * Grace periods of a trace that has none, but batches that waited for them: one ends when a batch is queued that was detached since the last
 * began, and began when the earliest such batch was detached. They are as few and as long as the batches allow.
 */
export function inferredGracePeriods(works: readonly Pick<WorkRun, 'detached' | 'queued'>[]): {
  intervals: GpInterval[]
  first: RcuSequences
} {
  const waits = works
    .flatMap(({ detached, queued }) => (detached === undefined || queued === undefined ? [] : [{ detached, queued }]))
    .sort((a, b) => a.queued - b.queued)
  const intervals: GpInterval[] = []
  let begun = Number.NEGATIVE_INFINITY
  for (const { detached, queued } of waits) {
    // One that has ended since then is enough.
    if (detached <= begun) continue
    const last = intervals.at(-1)?.end ?? Number.NEGATIVE_INFINITY
    const start = Math.max(detached, last)
    if (start >= queued) continue
    intervals.push({ expedited: false, start, end: queued })
    begun = start
  }
  return { intervals, first: new RcuSequences(0, undefined) }
}
