import { describe, expect, test } from 'vitest'
import { type Events, Kind, type Recording, selectEvents, type TraceEvent } from '#events'
import { choosePolicy } from '#policies'
import { type AnyKvfreePolicy, type Calls, kvfreePolicies } from '#policies/kvfree'
import { readCapture } from '#readers'
import { delaysOf, ownKvfree, usualDelays } from '#replay'
import { slowFrees } from '../../replay/kvfree/testing/slow.ts'
import { recordingOf } from '../../replay/testing/story.ts'
import { kvfreeFidelity } from './fidelity.ts'

const captures = ['5.10', '6.1', '6.12', '7.2'] as const
const read = (kernel: string): Promise<Recording> => readCapture(`traces/kvfree-${kernel}-s`)

describe.each(captures)('kvfree-%s-s', (kernel) => {
  test('what the recorded kernel freed is predicted: number, objects, footprint, latency', async () => {
    const found = kvfreeFidelity(await read(kernel))
    expect(found.policy).toBe(`kvfree/linux-${kernel}`)
    expect(found.callsInferred).toBe(false)
    const { bulkFrees, bulkObjects, meanFootprint, peakFootprint, latencyP50, latencyP99 } = found.scores
    expect(bulkFrees).toBeGreaterThan(0.97)
    expect(bulkObjects).toBeGreaterThan(0.97)
    expect(meanFootprint).toBeGreaterThan(0.95)
    expect(peakFootprint).toBeGreaterThan(0.9)
    expect(latencyP50).toBeGreaterThan(0.9)
    expect(latencyP99).toBeGreaterThan(0.9)
    const { recorded, predicted } = found.listShare!
    expect(Math.abs(recorded - predicted)).toBeLessThan(0.05)
    // Recorded work items are taken for input, but most begin as the policy asks.
    expect(found.begun.recorded).toBeGreaterThan(2 * found.begun.generated)
  })
})

describe('offloaded callbacks and a list that takes half of the objects', () => {
  const offloaded = (): Promise<Recording> => readCapture('traces/kvfree-6.12-nocb')
  const off = (recorded: number, predicted: number): number => Math.abs(predicted - recorded) / recorded

  test('works as recorded: each batch begins when the one detached at that moment did', async () => {
    const { bulkFrees, bulkObjects, scores } = kvfreeFidelity(await offloaded())
    expect(off(bulkFrees.recorded, bulkFrees.predicted)).toBeLessThan(0.03)
    expect(off(bulkObjects.recorded, bulkObjects.predicted)).toBeLessThan(0.03)
    expect(scores.meanFootprint).toBeGreaterThan(0.95)
    expect(scores.peakFootprint).toBeGreaterThan(0.9)
    expect(scores.latencyP50).toBeGreaterThan(0.9)
    expect(scores.latencyP99).toBeGreaterThan(0.9)
  })

  test('what-ifs: delays that the record shows', async () => {
    const { generatedDelays: found } = kvfreeFidelity(await offloaded())
    for (const { recorded, predicted } of [found.bulkFrees, found.bulkObjects, found.listFrees])
      expect(off(recorded, predicted)).toBeLessThan(0.15)
    expect(Math.abs(found.footprint.meanError)).toBeLessThan(0.15)
  })

  test('without the moment of detaching, a batch that its callback delays is taken for another', async () => {
    const recording = await offloaded()
    const isCallback = (row: number) => recording.events.kind[row] === Kind.rcu_callback
    const without = selectEvents(recording.events, (row) => !isCallback(row))
    const { scores } = kvfreeFidelity({ ...recording, events: without })
    expect(scores.meanFootprint).toBeLessThan(0.9)
  })

  test('with prompt refills the list is hardly used; with prompt callbacks objects wait for less time', async () => {
    const recording = await offloaded()
    const promptly = (which: 'work' | 'callback') =>
      kvfreeFidelity(recording, undefined, (record) => {
        const usual = usualDelays(record.hz)
        return { ...delaysOf(record), [which]: usual[which] }
      }).generatedDelays
    const { listFrees } = promptly('work')
    expect(listFrees.predicted).toBeLessThan(listFrees.recorded / 4)
    const measured = kvfreeFidelity(recording).generatedDelays
    expect(promptly('callback').footprint.meanError).toBeLessThan(measured.footprint.meanError - 0.1)
  })

  test('a kernel without the list channel: callers that find no page would fill as many pages as the record has objects', async () => {
    const recording = await offloaded()
    const own = ownKvfree(recording.machine)
    const policy: AnyKvfreePolicy = {
      ...own.policy,
      create: (params, host) => {
        const kvfree = own.policy.create(params, host)
        // Whoever may sleep allocates a page.
        const sleeps = (calls: Calls): Calls => Object.create(calls, { isSingle: { value: () => true } })
        return { ...kvfree, enqueue: (calls) => kvfree.enqueue(sleeps(calls)) }
      },
    }
    const { scores, listFrees } = kvfreeFidelity(recording, { ...own, policy })
    expect(listFrees.predicted).toBe(0)
    expect(scores.bulkFrees).toBeLessThan(0.6)
    expect(scores.bulkObjects).toBeLessThan(0.6)
  })

  test('each delay learnt from others: bulk frees, objects, list frees and the mean stay within 20 %', async () => {
    const found = kvfreeFidelity(await offloaded()).leftOut!
    for (const { recorded, predicted } of [found.bulkFrees, found.bulkObjects, found.listFrees])
      expect(off(recorded, predicted)).toBeLessThan(0.2)
    expect(Math.abs(found.footprint.meanError)).toBeLessThan(0.2)
  })
})

test('a distribution’s kernel without RCU events: by probes, bulk frees, objects and list frees are predicted within 5 %', async () => {
  const recording = await readCapture('traces/kvfree-6.12-stock')
  expect(recording.events.tables.rcu_grace_period.length).toBe(0)
  const { evidence, bulkFrees, bulkObjects, listFrees, scores } = kvfreeFidelity(recording)
  expect(evidence).toEqual({ gracePeriods: 'probes', calls: 'probes', callbacks: 'probes', frees: 'probes' })
  for (const { recorded, predicted } of [bulkFrees, bulkObjects, listFrees])
    expect(Math.abs(predicted - recorded) / recorded).toBeLessThan(0.05)
  expect(scores.meanFootprint).toBeGreaterThan(0.9)

  // As on 5.10, whose functions of grace periods are inlined: they follow from the batches.
  const { kind, slot, strings, tables } = recording.events
  const name = tables.rcu_probe.column.recordedAs.data
  const isPeriod = (row: number) =>
    kind[row] === Kind.rcu_probe && (strings.get(name[slot[row]!]!) ?? '').startsWith('rcu_gp_')
  const without = kvfreeFidelity({ ...recording, events: selectEvents(recording.events, (row) => !isPeriod(row)) })
  expect(without.evidence.gracePeriods).toBe('inferred')
  expect(without.scores.bulkFrees).toBeGreaterThan(0.9)
})

test('the trace tells what it recorded: no more is freed than was queued', async () => {
  const found = kvfreeFidelity(await read('5.10'))
  expect(found.enqueued).toBe(32000)
  expect(found.bulkObjects.recorded + found.listFrees.recorded).toBe(32000)
})

/**
 * Half a minute of few calls under 6.1, as a plain model of its rules records it: no capture has so few that the interval, and not a
 * full page, ends the collecting.
 */
function trickle(): Recording {
  const seconds = 30
  const calls = Array.from({ length: seconds * 50 }, (_, k) => ({ at: 20 * k + 0.3, single: false }))
  const gracePeriods = Array.from({ length: seconds * 100 }, (_, k) => [10 * k, 10 * k + 8] as const)
  const freed = slowFrees(
    calls,
    gracePeriods,
    {
      maxEntries: 510,
      drainTicks: 5000,
      hurries: true,
      slots: 2,
      cachedPages: 5,
      source: { from: 'caller' },
      drainsReady: false,
      batch: 'rcu-work',
    },
    seconds * 1000,
  )
  const all = freed.flatMap((free) => free ?? [])
  const bulk = Map.groupBy(
    all.filter(({ from }) => from === 'slab'),
    ({ at }) => at,
  )
  const common = { cpu: 0, rcuname: 'rcu_preempt' }
  const gp = (at: number, k: number, gpevent: string): TraceEvent => ({
    ...common,
    event: 'rcu_grace_period',
    time: at * 1e6,
    gpSeq: 4 * k + 1,
    gpevent,
  })
  const events: TraceEvent[] = [
    ...calls.map(({ at }, k): TraceEvent => {
      const head = 0xffff888000000010n + BigInt(k) * 32n
      return { event: 'kvfree_call_rcu', time: at * 1e6, cpu: 0, head, arg: 16n }
    }),
    ...gracePeriods.flatMap(([start, end], k) => [gp(start, k, 'start'), gp(end, k, 'end')]),
    ...[...bulk].map(
      ([at, { length: nrRecords }]): TraceEvent => ({
        ...common,
        event: 'rcu_invoke_kfree_bulk_callback',
        time: at * 1e6,
        nrRecords,
      }),
    ),
    ...all
      .filter(({ from }) => from === 'list')
      .map(
        ({ at }): TraceEvent => ({
          ...common,
          event: 'rcu_invoke_kvfree_callback',
          time: at * 1e6,
          rhp: 0xffff888000000010n,
          offset: 16,
        }),
      ),
  ]
  const recording = recordingOf(events.sort((a, b) => a.time - b.time))
  return { ...recording, machine: { ...recording.machine, hz: 1000 } }
}

describe('a wrong rule scores worse', () => {
  /** How far a variant of the recording kernel's rule is from the record: the sum of its errors. */
  function errorOf(recording: Recording, variant: string): number {
    const own = choosePolicy('kvfree', kvfreePolicies, variant)
    const { scores } = kvfreeFidelity(recording, own)
    return Object.values(scores).reduce<number>((sum, score) => sum + 1 - (score ?? 0), 0)
  }

  test.each([
    ['one slot instead of two', '6.1', '{slots=1}'],
    // In a flood a page's worth comes long before either is over, so that must be off for the interval to count.
    ['20 ms instead of 5 s or a page’s worth', '6.1', '{drainMs=20,hurryAt=0}'],
    ['20 ms instead of 5 s or a page’s worth', '6.12', '{drainMs=20,hurryAt=0}'],
    ['5 s instead of 20 ms', '5.10', '{drainMs=5000}'],
    ['the snapshot of the first insertion instead of the last', '6.12', '{cookieAt=first}'],
    ['smaller pages', '6.12', '{maxEntries=255}'],
    ['smaller sheaves', '7.2', '{sheafCapacity=28}'],
  ])('%s, on %s', async (_what, kernel, params) => {
    const recording = await read(kernel)
    const right = errorOf(recording, `kvfree/linux-${kernel}`)
    const wrong = errorOf(recording, `kvfree/linux-${kernel}${params}`)
    expect(wrong).toBeGreaterThan(right + 0.005)
  })

  test('20 ms instead of 5 s, on a trickle', () => {
    const recording = trickle()
    const { bulkFrees, scores } = kvfreeFidelity(recording, choosePolicy('kvfree', kvfreePolicies, 'linux-6.1'))
    expect(bulkFrees.recorded).toBe(5)
    for (const score of Object.values(scores)) expect(score).toBeGreaterThan(0.99)
    expect(errorOf(recording, 'kvfree/linux-6.1{drainMs=20}')).toBeGreaterThan(2)
  })
})

test('sheaves that a bypass list took have no event of their queueing, and count as freed all the same', async () => {
  const recording = await read('7.2')
  const { events } = recording
  let nth = 0
  const bypassed = selectEvents(events, (row) => events.kind[row] !== Kind.rcu_callback || nth++ % 10 !== 9)
  const whole = kvfreeFidelity(recording)
  const found = kvfreeFidelity({ ...recording, events: bypassed })
  expect(found.bulkFrees.recorded).toBe(whole.bulkFrees.recorded)
  expect(found.scores.meanFootprint).toBeGreaterThan(0.95)
})

test('without the kprobe, calls are inferred from batches, and labelled', async () => {
  const recording = await read('6.1')
  const without: Events = {
    ...selectEvents(recording.events, (row) => recording.events.kind[row] !== Kind.kvfree_call_rcu),
  }
  const tables = { ...without.tables, kvfree_call_rcu: { ...without.tables.kvfree_call_rcu, length: 0 } }
  const found = kvfreeFidelity({ ...recording, events: { ...without, tables: tables as Events['tables'] } })
  expect(found.callsInferred).toBe(true)
  // All that was freed by batches is found again.
  expect(found.enqueued).toBe(found.bulkObjects.recorded + found.listFrees.recorded)
  expect(found.bulkObjects.predicted + found.listFrees.predicted).toBeGreaterThan(0.9 * found.enqueued)
})
