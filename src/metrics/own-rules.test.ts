import { describe, expect, test } from 'vitest'
import { infer, ownPolicy, type StartLists, startListsOf, whatIfOf } from '#estimate'
import { Ask, DemandBuilder, type WhatIf } from '#events/demand'
import { choosePcp } from '#policies'
import { readCapture } from '#readers'
import { scriptOf } from '#record'
import { runPolicy } from '#replay'
import { machine } from '../replay/testing/story.ts'
import { recordedSums } from './recorded-sums.ts'

const measures = ['refills', 'refilledPages', 'bulkFrees', 'bulkFreedPages', 'zoneLocks'] as const

const sum = (values: Float64Array): number => values.reduce((all, value) => all + value, 0)

async function ownRules(capture: string) {
  const recording = await readCapture(`traces/${capture}`)
  const inference = infer(scriptOf(recording))
  const { script, inferred } = inference
  const recorded = recordedSums(recording.events, script, [Number.POSITIVE_INFINITY])
  const lists = startListsOf(script, inferred, whatIfOf(inference).demand)
  const replayed = (start: StartLists) =>
    runPolicy(whatIfOf(inference, undefined, start), ownPolicy(script), { steps: 1 }).result.sums
  const totals = (of: typeof recorded) => measures.map((measure) => sum(of[measure]))
  return { lists, inferred, recorded: totals(recorded), replayed: (start: StartLists) => totals(replayed(start)) }
}

describe('a replay under the recording kernel’s own rules, free-running', () => {
  test.each(['pages-5.10-s', 'pages-6.1-s', 'pages-6.12-s'])('does what %s recorded', async (capture) => {
    const { lists, recorded, replayed } = await ownRules(capture)
    replayed(lists).forEach((total, at) => {
      expect(Math.abs(total / recorded[at]! - 1)).toBeLessThanOrEqual(0.01)
    })
  })

  test('interrupts each CPU as often as drain-5.10-s recorded, with works as late as they were', async () => {
    const recording = await readCapture('traces/drain-5.10-s')
    const inference = infer(scriptOf(recording))
    const { interruptions, params } = ((run) => ({ ...run.result, params: run.params }))(
      runPolicy(whatIfOf(inference), ownPolicy(inference.script), { steps: 1 }),
    )
    expect(interruptions).toEqual(inference.script.recordedInterruptions)
    // In place of the published mean, the recorded one.
    expect(params.workDelayNs).toBeGreaterThan(1e6)
  })

  // Its vmstat ticks were not recorded, and 12 bulk frees do not show when they came.
  test('refills as pages-7.2-s recorded', async () => {
    const { lists, recorded, replayed } = await ownRules('pages-7.2-s')
    expect(replayed(lists).slice(0, 2)).toEqual(recorded.slice(0, 2))
  })

  test.each(['pages-6.1-s', 'pages-7.2-s'])(
    'misses refills of %s with hidden pages on the MOVABLE list',
    async (capture) => {
      const { lists, inferred, recorded, replayed } = await ownRules(capture)
      const movable = lists.types.findIndex((type, list) => type === 1 && lists.orders[list] === 0)
      const blocks = inferred.initial.entries.map((entries, pset) =>
        entries.map((count, list) => count + (list === movable ? Math.max(0, inferred.initial.hidden[pset]!) : 0)),
      )
      expect(replayed({ ...lists, blocks })[1]! / recorded[1]!).toBeLessThan(0.99)
    },
  )
})

/** One CPU frees a page while an operation that it interrupted holds the lock of its lists. */
function locked(): WhatIf {
  const builder = new DemandBuilder()
  const row = { cpu: 0, task: builder.task(1, 'irq'), zone: 0, migratetype: 1 }
  builder.push({ ...row, time: 0, ask: Ask.alloc, block: builder.newBlock() })
  builder.push({ ...row, time: 1, ask: Ask.free, block: 0, lockHeld: true })
  const of = machine({ cpus: 1, managed: 1024, batch: 4, high: 12 })
  return {
    demand: builder.finish(),
    start: {
      free: [{ pfn: Uint32Array.of(0), order: Uint8Array.of(10) }],
      blockTypes: [new Uint8Array(2).fill(1)],
      fallback: 'claim',
      inUse: { block: new Uint32Array(0), zone: new Uint8Array(0), pfn: new Uint32Array(0), order: new Uint8Array(0) },
      listed: {
        pset: new Uint32Array(0),
        order: new Uint8Array(0),
        migratetype: new Uint8Array(0),
        pfn: new Uint32Array(0),
      },
    },
    machine: of,
    zones: of.zones,
    cpus: 1,
    remote: new Uint8Array(1),
    from: 0,
    to: 2,
    gracePeriods: { start: [], end: [] },
  }
}

test('a free that finds its lists locked goes to the buddy where the lock is only tried, else to its list', () => {
  const freesToBuddy = (id: string) => runPolicy(locked(), choosePcp(id, '6.1')).result.work.freesToBuddy
  expect([freesToBuddy('pcp/trylock'), freesToBuddy('pcp/spinlock'), freesToBuddy('pcp/work')]).toEqual([1, 0, 0])
})
