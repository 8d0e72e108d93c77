import { expect, test } from 'vitest'
import type { Recording } from '#events'
import type { PcpComparison } from '#metrics'
import { readCapture } from '#readers'
import { compareRecordings } from './compare.ts'
import { windowOf } from './window.ts'

const capture = 'traces/pages-7.2-s'
let read: Promise<Recording> | undefined
const recording = (): Promise<Recording> => {
  read ??= readCapture(capture)
  return read
}

async function compared(span: { from?: number; to?: number }): Promise<PcpComparison> {
  const policies = ['pcp/linux-7.2', 'pcp/none']
  return (await compareRecordings({ captures: [capture], policies, ...span }, recording)) as PcpComparison
}

test('two windows count what the whole does, in the record and under its own policy', async () => {
  const { events } = await recording()
  const middle = events.zero + events.time[events.length >> 1]! / 1e9
  const [whole, before, after] = [await compared({}), await compared({ to: middle }), await compared({ from: middle })]
  const sum = (of: (one: PcpComparison) => number | undefined) => (of(before) ?? 0) + (of(after) ?? 0)
  for (const measure of ['refills', 'refilledPages', 'zoneLockPages', 'bulkFrees'] as const) {
    const recorded = (one: PcpComparison) => one.recorded[0]!.totals[measure]
    expect([measure, sum(recorded)]).toEqual([measure, recorded(whole)])
  }
  const moved = ({ runs }: PcpComparison) => runs[0]!.work.zoneLockPages
  expect(sum(moved)).toBe(moved(whole))
  const scored = ({ fidelity }: PcpComparison) => fidelity[0]!.pcp!.refills.recorded
  expect(sum(scored)).toBe(scored(whole))
  expect(after.captures[0]!.window?.from).toBeCloseTo(middle, 6)
  expect(after.command).toContain(`--from ${middle}`)
})

test('a window without an event is refused, one that holds all is cut to the trace', async () => {
  const { events } = await recording()
  expect(() => windowOf(events, { from: events.zero + 1e6 })).toThrow(/no event between/)
  expect(windowOf(events, { from: 0, to: 1e9 })).toEqual({ from: events.time[0], to: undefined })
  expect(windowOf(events, {})).toBeUndefined()
})
