import { afterEach, describe, expect, test, vi } from 'vitest'
import { infer, ownPolicy, whatIfOf } from '#estimate'
import type { Recording } from '#events'
import { type Machine, parseRelease } from '#kernel'
import { readCapture } from '#readers'
import { scriptOf } from '#record'
import { runPolicy } from '#replay'
import { recordedSums } from './recorded-sums.ts'

/** Rules that no input of a replay switches: their modules are stood in for. */
const off = vi.hoisted(() => new Set<string>())

vi.mock('../estimate/remote-psets.ts', async (original) => {
  const real = await original<typeof import('../estimate/remote-psets.ts')>()
  return {
    remotePsets: (script: Parameters<typeof real.remotePsets>[0]) =>
      off.has('expiry') ? new Uint8Array(script.cpus * script.zones.length) : real.remotePsets(script),
  }
})
vi.mock('../estimate/pageset-starts.ts', async (original) => {
  const real = await original<typeof import('../estimate/pageset-starts.ts')>()
  return {
    ...real,
    pagesetStartsOf: (...of: Parameters<typeof real.pagesetStartsOf>) =>
      off.has('start') ? of[2].map((count) => ({ count, pacing: {} })) : real.pagesetStartsOf(...of),
  }
})

vi.mock('../estimate/learnt-zones.ts', async (original) => {
  const real = await original<typeof import('../estimate/learnt-zones.ts')>()
  return {
    learntZones: (...of: Parameters<typeof real.learntZones>) =>
      off.has('learnt') ? undefined : real.learntZones(...of),
  }
})
/** A trace of two nodes, in which kswapd of node 1 wakes early and never sleeps. */
vi.mock('../record/trackers/reclaim.ts', async (original) => {
  const real = await original<typeof import('../record/trackers/reclaim.ts')>()
  return {
    ...real,
    reclaimEdges: (events: Parameters<typeof real.reclaimEdges>[0]): ReturnType<typeof real.reclaimEdges> => {
      if (!off.has('wakes') && !off.has('nodes')) return real.reclaimEdges(events)
      const edges = new Uint8Array(events.length)
      edges[1] = edges[2] = real.Edge.start
      return { edges, node: new Uint16Array(events.length).fill(off.has('nodes') ? 0 : 1) }
    },
  }
})

afterEach(() => {
  off.clear()
})

const captures = new Map<string, Promise<Recording>>()
function capture(name: string): Promise<Recording> {
  const read = captures.get(name) ?? readCapture(`traces/${name}`)
  captures.set(name, read)
  return read
}

/** Free-running: refills, bulk frees and ticks that are exact, of all recorded or predicted, less the share of wrong pages. */
function score(recording: Recording): number {
  const { freeRun } = infer(scriptOf(recording))
  let [exact, all, wrong, pages] = [0, 0, 0, 0]
  for (const cpu of freeRun.cpus) {
    for (const of of [cpu.refills, cpu.bursts, cpu.ticks]) {
      exact += of.exact
      all += Math.max(of.recorded, of.predicted)
    }
    wrong += cpu.pages.wrong
    pages += cpu.pages.recorded
  }
  return exact / all - wrong / pages
}

/** Scores with all rules on, by what they are of. */
const whole = new Map<string, number>()

const total = (values: ArrayLike<number>): number => Array.from(values).reduce((sum, one) => sum + one, 0)

/** How close a what-if under the kernel's own rules comes to the refills and bulk frees that it recorded: 1 is exact. */
function ownRules(recording: Recording): number {
  const inference = infer(scriptOf(recording))
  const { sums } = runPolicy(whatIfOf(inference), ownPolicy(inference.script), { steps: 1 }).result
  const recorded = recordedSums(recording.events, inference.script, [Number.POSITIVE_INFINITY])
  const error = (id: 'refills' | 'bulkFrees') => Math.abs(total(sums[id]) / total(recorded[id]) - 1)
  return 1 - error('refills') - error('bulkFrees')
}

const boosted = (machine: Machine, shown: boolean): Machine => ({
  ...machine,
  zones: machine.zones.map((zone) => ({ ...zone, low: zone.low + 4096, boost: shown ? 4096 : 0 })),
})

const asItIs = (machine: Machine): Machine => machine
const withBoost = (machine: Machine): Machine => boosted(machine, true)

/** A bare trace: no file beside it. */
const bare = (machine: Machine): Machine => ({
  ...machine,
  nodes: [],
  zones: [],
  zonesAfter: [],
  buddyBefore: [],
  buddyAfter: [],
})

/** The machine with a second node, from which no task allocates. */
const withNode = ({ zones, nodes, ...machine }: Machine): Machine => {
  const [zone] = zones.slice(-1)
  const startPfn = 2 ** 21
  return {
    ...machine,
    nodes: [...nodes, { node: 1, cpus: [] }],
    zones: [...zones, { ...zone!, node: 1, startPfn, spanned: 4096, present: 4096, managed: 4096 }],
  }
}

interface Mutation {
  readonly rule: string
  readonly on: string
  /** The machine as it would be taken to be without the rule. */
  readonly without?: (machine: Machine) => Machine
  /** Before that, for both. */
  readonly given?: (machine: Machine) => Machine
  readonly module?: string
  /** What is made so for both. */
  readonly both?: string
  readonly measure?: (recording: Recording) => number
}

const mutations: readonly Mutation[] = [
  {
    rule: 'a list’s size is shared by the CPUs of its zone’s node',
    on: 'real-6.12-2node-drain',
    without: (machine) => ({ ...machine, nodes: machine.nodes.map(({ node }) => ({ node, cpus: machine.cpus })) }),
  },
  {
    rule: 'a page is of the zone in whose span it lies',
    on: 'real-6.12-2node-drain',
    // All above 16 MiB taken for one zone.
    without: ({ zones, ...machine }) => ({
      ...machine,
      zones: zones
        .slice(0, 2)
        .map((zone, at) => (at === 0 ? zone : { ...zone, spanned: 1.25 * 2 ** 20, present: 2 ** 20 })),
    }),
  },
  { rule: 'pagesets of another node expire', on: 'real-6.12-2node-drain', module: 'expiry', measure: ownRules },
  {
    rule: 'the boost is no part of the low watermark that sizes lists',
    on: 'real-6.12-2node-drain',
    given: withBoost,
    without: (machine) => boosted(machine, false),
  },
  {
    rule: 'percpu_pagelist_high_fraction fixes `high`',
    on: 'real-6.12-highfrac',
    without: (machine) => ({ ...machine, sysctls: { 'vm.percpu_pagelist_high_fraction': '0' } }),
  },
  {
    rule: 'CMA pages lie on the MOVABLE list',
    on: 'real-7.2-cma-drain',
    without: (machine) => ({ ...machine, cma: false }),
  },
  {
    rule: '7.2 gives pages back a batch at a time',
    on: 'real-7.2-cma-drain',
    without: (machine) => ({ ...machine, release: parseRelease('6.18.0')! }),
  },
  {
    rule: 'kswapd of a node sets ZONE_RECLAIM_ACTIVE on that node’s zones only',
    on: 'real-6.1-memcg-drain',
    given: withNode,
    both: 'wakes',
    module: 'nodes',
  },
  {
    rule: 'with hugetlb a pageblock is as large as a huge page',
    on: 'real-6.1-memcg-drain',
    without: (machine) => ({ ...machine, pageblockOrder: machine.maxPageOrder }),
  },
  { rule: 'a bare trace shows where `high` is', on: 'real-6.12-highfrac', given: bare, module: 'learnt' },
  { rule: 'the first refills prove how a pageset began', on: 'real-6.12-highfrac', module: 'start', measure: ownRules },
]

describe('a rule that is switched off makes a score fall', () => {
  test.each(mutations)('$rule: $on', async ({ on, given = asItIs, without = given, module, both, measure = score }) => {
    const recording = await capture(on)
    if (both !== undefined) off.add(both)
    const key = `${on} ${measure.name} ${given.name}`
    const before = whole.get(key) ?? measure({ ...recording, machine: given(recording.machine) })
    whole.set(key, before)
    if (module !== undefined) off.add(module)
    const after = measure({ ...recording, machine: without(recording.machine) })
    expect(before - after).toBeGreaterThan(0)
  })
})
