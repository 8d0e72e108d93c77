import { expect, test } from 'vitest'
import { EventBuilder, eachEvent, type TraceEvent } from '#events'
import { Ask, DemandBuilder } from '#events/demand'
import { scriptOf } from '../record/script-of.ts'
import { record } from '../replay/recorder.ts'
import { machine } from '../replay/testing/story.ts'
import { infer } from './inferred.ts'

const wish = { release: '6.1.192', batch: 4, high: 100, managed: 8192 }

/** Pages freed to full lists, then while kswapd balances: 6.1 keeps 4 × batch pages then. */
function pressed() {
  const builder = new DemandBuilder()
  const [task, kswapd] = [builder.task(7, 'task'), builder.task(8, 'kswapd0')]
  const allocs = 400
  for (let block = 0; block < allocs; block++)
    builder.push({ time: block, ask: Ask.alloc, cpu: 1, task, block, order: 0, migratetype: 1 })
  for (let block = 0; block < allocs; block++) {
    const time = 1000 + 2 * block
    if (block === 250) builder.push({ time, ask: Ask.kswapdWake, cpu: 0, task: kswapd })
    builder.push({
      time: time + 1,
      ask: Ask.free,
      cpu: 0,
      task: block < 250 ? task : kswapd,
      block,
      order: 0,
      migratetype: 1,
    })
  }
  const whole = machine(wish)
  // So that its free pages are not far from the high watermark, without which no flag comes into question.
  return record(builder.finish(), { ...whole, zones: whole.zones.map((zone) => ({ ...zone, high: 3000 })) })
}

const missesOf = (events: readonly TraceEvent[], { machine: of }: ReturnType<typeof pressed>) => {
  const builder = new EventBuilder()
  for (const event of events) builder.addEvent(event)
  return [...infer(scriptOf({ events: builder.finish(), machine: of })).run.misses]
}

test('what other zone flags explain is counted as that: the burst, and its pages', () => {
  const of = pressed()
  const events = [...eachEvent(of.events)]
  expect(missesOf(events, of)).toEqual([])
  const blind = missesOf(
    events.filter(({ event }) => event !== 'mm_vmscan_kswapd_wake'),
    of,
  )
  const counted = new Map(blind)
  expect(counted.get('burst-zone-flags')).toBeGreaterThan(0)
  // Each burst of 6.1 while kswapd balances is at least a batch.
  expect(counted.get('page-zone-flags')).toBeGreaterThanOrEqual(4 * counted.get('burst-zone-flags')!)
})

/** Allocations on a 6.12 whose zone is below its high watermark all along: `high` stays as it is, and bounds what refills fetch. */
function capped(high: number) {
  const builder = new DemandBuilder()
  const task = builder.task(7, 'task')
  for (let block = 0; block < 400; block++)
    builder.push({ time: block, ask: Ask.alloc, cpu: 0, task, block, order: 0, migratetype: 1 })
  // A tick that is recorded: no others are thought of.
  builder.push({ time: 1000, ask: Ask.tick, cpu: 0, task: builder.task(20, 'kworker/0:0') })
  const whole = machine({ release: '6.12.107', batch: 4, high })
  return record(builder.finish(), { ...whole, zones: whole.zones.map((zone) => ({ ...zone, high: 1e5 })) })
}

test('a refill that another `high` explains is counted as that, and one that none explains is not', () => {
  const of = capped(60)
  const events = [...eachEvent(of.events)]
  const causes = (zonesHigh: number, of_: ReturnType<typeof capped>, recorded: readonly TraceEvent[]) => {
    const zones = of_.machine.zones.map((zone) => ({
      ...zone,
      pagesets: zone.pagesets.map((pageset) => ({ ...pageset, high: zonesHigh + pageset.cpu })),
    }))
    return new Map(missesOf(recorded, { ...of_, machine: { ...of_.machine, zones } }))
  }
  expect([...causes(60, of, events)]).toEqual([])
  const off = causes(50, of, events)
  expect([...off]).toEqual([['refill-high', 1]])
  expect(off.has('refill-size')).toBe(false)
  // More than the pacing allows, whatever `high` is: a batch of the same type on top of a refill.
  const first = events.findIndex(({ event }) => event === 'mm_page_alloc')
  const last = events.findLastIndex(({ event }) => event === 'mm_page_alloc_zone_locked')
  expect(last).toBeGreaterThan(first)
  const more = Array.from({ length: 100 }, (_, at) => ({ ...events[last]!, pfn: 9000 + at }) as TraceEvent)
  const longer = causes(60, of, [...events.slice(0, last + 1), ...more, ...events.slice(last + 1)])
  expect(longer.get('refill-size')).toBe(1)
  expect(longer.has('refill-high')).toBe(false)
})
