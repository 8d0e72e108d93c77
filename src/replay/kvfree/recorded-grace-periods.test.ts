import { describe, expect, test } from 'vitest'
import { EventBuilder, type TraceEvent } from '#events'
import { rcuSeqDone } from '#kernel/rcu'
import { readCapture } from '#readers'
import { RecordedGracePeriods } from '#sim'
import { gracePeriodsOf, inferredGracePeriods } from './recorded-grace-periods.ts'

type Line = [time: number, gpSeq: number, gpevent: string, cpu?: number]

function trace(normal: readonly Line[], expedited: readonly Line[] = []) {
  const builder = new EventBuilder()
  const of =
    (event: 'rcu_grace_period' | 'rcu_exp_grace_period') =>
    ([time, gpSeq, gpevent, cpu = 0]: Line): TraceEvent => ({ event, time, cpu, rcuname: 'rcu_sched', gpSeq, gpevent })
  const all = [...normal.map(of('rcu_grace_period')), ...expedited.map(of('rcu_exp_grace_period'))]
  for (const event of all.sort((a, b) => a.time - b.time)) builder.addEvent(event)
  return gracePeriodsOf(builder.finish())
}

describe('grace periods of a trace', () => {
  test('start and end carry one number; who asked, and who was last', () => {
    const { intervals, first } = trace([
      [5, -1200, 'newreq'],
      [10, -1199, 'start'],
      [12, -1199, 'cpuqs', 3],
      [14, -1199, 'fqsend'],
      [15, -1199, 'cpuqs', 2],
      [20, -1199, 'end'],
    ])
    expect(intervals).toEqual([{ expedited: false, requested: 5, start: 10, end: 20, endedBy: 'CPU 2' }])
    expect(first.normal).toBe(-1200)
  })

  test('one that ran before the trace begins with it; one that never ends stays open', () => {
    const { intervals } = trace([
      [10, -1199, 'cpuqs'],
      [20, -1199, 'end'],
      [30, -1195, 'start'],
    ])
    expect(intervals.map(({ start, end }) => [start, end])).toEqual([
      [10, 20],
      [30, undefined],
    ])
  })

  test('expedited ones carry the number they end with, and complete a full cookie but no normal one', () => {
    const recorded = trace(
      [
        [10, 1, 'start'],
        [50, 1, 'end'],
      ],
      [
        [19, 104, 'snap'],
        [20, 104, 'start'],
        [30, 104, 'end'],
      ],
    )
    expect(recorded.intervals[1]).toMatchObject({ expedited: true, requested: 19, start: 20, end: 30 })
    const gp = new RecordedGracePeriods(recorded)
    gp.advance(15)
    const { sequences } = gp
    const full = sequences.snapFull()
    const normal = sequences.snapNormal()
    gp.advance(30)
    expect(sequences.expedited).toBe(104)
    expect(sequences.isDoneFull(full)).toBe(true)
    expect(rcuSeqDone(sequences.normal, normal)).toBe(false)
  })
})

test.each(['5.10', '6.1', '6.12', '7.2'])('kvfree-%s-s: the counters go as the trace prints them', async (kernel) => {
  const { events } = await readCapture(`traces/kvfree-${kernel}-s`)
  const recorded = gracePeriodsOf(events)
  const { gpSeq, gpevent } = events.tables.rcu_grace_period.column
  const starts = [...gpSeq.data].filter((_, slot) => events.strings.get(gpevent.data[slot] as number) === 'start')
  const gp = new RecordedGracePeriods(recorded)
  const seen: number[] = []
  for (const { start, expedited } of recorded.intervals) {
    gp.advance(start)
    if (!expedited) seen.push(gp.sequences.normal)
  }
  // The first may have begun before the trace.
  expect(seen.slice(-starts.length)).toEqual(starts)
})

describe('grace periods of a trace that has none', () => {
  const inferred = (...waits: [detached: number, queued: number][]) =>
    inferredGracePeriods(waits.map(([detached, queued]) => ({ detached, queued }))).intervals.map(({ start, end }) => [
      start,
      end,
    ])

  test('one serves all batches that were detached before it began', () => {
    expect(inferred([10, 30], [5, 31])).toEqual([[10, 30]])
  })

  test('a batch detached later waits for the next', () => {
    expect(inferred([10, 30], [20, 45])).toEqual([
      [10, 30],
      [30, 45],
    ])
  })
})
