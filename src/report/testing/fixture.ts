import { differencesOf, type MeasureId, type PcpComparison, pcpComparisonSchema, type Run, type Work } from '#metrics'

/** A comparison as `compare` would print it: plausible figures, none of them measured. Same on every call. */

const STEPS = 200
const STEP_NS = 22_500_000
const START_NS = 412_000_000
const CPUS = [0, 1, 2, 3]
const ISOLATED = 3
const HIGH = 378
const BATCH = 63
const DRAINS = [30, 62, 101, 140, 177]
const CAPTURE = 'drain-5.10-s'

type Mechanism = 'work' | 'rcu' | 'remote' | 'off'
interface Choice {
  readonly policy: string
  readonly lists: string
  readonly mechanism: Mechanism
  readonly params: Run['params']
  readonly high: number
}

const choices: readonly Choice[] = [
  {
    policy: 'pcp/linux-5.10',
    lists: 'pcp/linux-5.10',
    mechanism: 'work',
    params: { high: HIGH, batch: BATCH, workDelayNs: 487_512 },
    high: HIGH,
  },
  {
    policy: 'pcp/linux-6.1',
    lists: 'pcp/linux-6.1',
    mechanism: 'remote',
    params: { high: 580, batch: BATCH },
    high: 580,
  },
  {
    policy: 'pcp/rcu-swap',
    lists: 'pcp/linux-5.10',
    mechanism: 'rcu',
    params: { expedited: true, expeditedNs: 200_000 },
    high: HIGH,
  },
  { policy: 'pcp/trylock', lists: 'pcp/linux-5.10', mechanism: 'remote', params: { variant: 'smp' }, high: HIGH },
  { policy: 'pcp/none', lists: 'pcp/none', mechanism: 'off', params: {}, high: 0 },
]

/** Numerical Recipes’ generator: all the randomness that a fixture needs. */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

const total = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0)
const t = Array.from({ length: STEPS }, (_, step) => START_NS + (step + 1) * STEP_NS)

function runOf({ policy, lists, mechanism, params, high }: Choice): Run {
  const random = randomFrom(7)
  const cached = CPUS.map((): number[] => [])
  const level = CPUS.map((cpu) => (mechanism === 'off' ? 0 : 40 + 50 * cpu))
  const zoneLockPages: number[] = []
  const bursts = { t: [] as number[], cpu: [] as number[], pages: [] as number[], requested: [] as boolean[] }
  const interruptions: Record<string, number> = Object.fromEntries(CPUS.map((cpu) => [cpu, 0]))
  let refills = 0
  let requestedPages = 0
  for (let step = 0; step < STEPS; step++) {
    let moved = 0
    for (const cpu of CPUS) {
      const churn = (random() - 0.48) * (cpu === ISOLATED ? 60 : 220)
      let pages = (level[cpu] ?? 0) + Math.round(mechanism === 'off' ? 0 : churn)
      const give = (n: number, requested: boolean): void => {
        bursts.t.push((t[step] ?? 0) - Math.floor(random() * STEP_NS))
        bursts.cpu.push(cpu)
        bursts.pages.push(n)
        bursts.requested.push(requested)
        moved += n
        pages -= n
      }
      if (mechanism === 'off') moved += Math.round(Math.abs(churn) * 9)
      while (pages < 0) {
        pages += BATCH
        moved += BATCH
        refills++
      }
      while (pages >= high && high > 0) give(high > HIGH ? Math.round(BATCH * (1 + random() * 3)) : BATCH, false)
      if (DRAINS.includes(step) && pages > 0) {
        if (mechanism === 'work') interruptions[cpu] = (interruptions[cpu] ?? 0) + 1
        requestedPages += pages
        give(pages, true)
      }
      level[cpu] = Math.max(0, pages)
      cached[cpu]?.push(level[cpu] ?? 0)
    }
    zoneLockPages.push(moved)
  }
  const allocs = 139_432
  const afterRefill = mechanism === 'off' ? 0 : refills * 4
  const fromBuddy = mechanism === 'off' ? allocs : 2_911
  const threshold = bursts.requested.filter((requested) => !requested).length
  const sizes = bursts.pages.toSorted((a, b) => a - b)
  const quantile = (q: number): number => sizes[Math.min(sizes.length - 1, Math.floor(q * sizes.length))] ?? 0
  const isolatedPages = cached[ISOLATED] ?? []
  const work: Work = {
    allocs,
    frees: 137_484,
    allocsFromList: allocs - afterRefill - fromBuddy,
    allocsAfterRefill: afterRefill,
    allocsFromBuddy: fromBuddy,
    freesToBuddy: mechanism === 'off' ? 137_484 : 1_204,
    refills,
    refillPages: refills * BATCH,
    drainBursts: threshold,
    drainBurstPages: total(bursts.pages) - requestedPages,
    drainRequests: DRAINS.length,
    drainRequestsSkipped: mechanism === 'work' ? 1 : 0,
    requestedDrainPages: requestedPages,
    localDrainPages: 0,
    remoteDrains: mechanism === 'remote' ? DRAINS.length * CPUS.length : 0,
    gracePeriodWaits: mechanism === 'rcu' ? DRAINS.length : 0,
    workItemWaits: total(Object.values(interruptions)),
    interruptions: total(Object.values(interruptions)),
    zoneLocks: refills + bursts.pages.length + fromBuddy,
    zoneLockPages: total(zoneLockPages),
    pcpLocks: mechanism === 'remote' ? 276_916 : 0,
    dereferences: mechanism === 'rcu' ? 276_916 : 0,
    strandedPagesAtEnd: isolatedPages.at(-1) ?? 0,
    irqSaves: mechanism === 'work' || mechanism === 'rcu' ? 276_916 : 0,
    pcpLocksContended: mechanism === 'remote' ? 12 : 0,
    sleepsInAtomic: 0,
    fallbacks: 14,
    claims: 9,
    borrowedPages: 0,
    unseenAllocs: 31,
    remoteListLocks: 0,
    ownedPageblocks: 0,
    strandedWithOwners: 0,
    wholeBlocksAfterDrain: 212,
  }
  return {
    capture: CAPTURE,
    policy,
    params,
    lists,
    sizes: [{ zone: 'DMA32', high: 90, batch: 15 }],
    drain: { work: 'work', rcu: 'rcu-swap', remote: 'trylock', off: 'none' }[mechanism],
    work,
    totals: {
      isolatedInterruptions: interruptions[ISOLATED] ?? 0,
      interruptions: work.interruptions,
      zoneLocks: work.zoneLocks,
      zoneLockPages: work.zoneLockPages,
      refills,
      refilledPages: work.refillPages,
      bulkFrees: bursts.pages.length,
      bulkFreedPages: total(bursts.pages),
      cachedPages: Math.round(total(cached.flat()) / STEPS),
      strandedPages: Math.round(total(isolatedPages) / STEPS),
      fastPathSteps: work.pcpLocks + work.irqSaves + work.dereferences,
    },
    bounds: {
      peakPages: high * CPUS.length,
      least: { pages: Math.round(work.zoneLockPages * 0.7), takes: Math.round(work.zoneLocks * 0.1) },
      unlimited: { pages: 21_000, takes: CPUS.length },
      none: { pages: 290_118, takes: allocs + 137_484 },
    },
    priced: [
      ['fixture-server', 'Fixture server (invented)', 24, 5],
      ['fixture-desktop', 'Fixture desktop (invented)', 38, 9],
    ].map(([prices, machine, lock, page]) => ({
      prices: String(prices),
      machine: String(machine),
      source: 'the fixture of kreplay’s tests',
      zoneLockHoldNs: work.zoneLocks * Number(lock) + work.zoneLockPages * Number(page),
      longestHoldNs: Number(lock) + quantile(1) * Number(page),
      ...(mechanism === 'work' ? { requesterWaitNs: DRAINS.length * 487_500 } : {}),
      ...(refills === 0
        ? {}
        : {
            smallHolds: {
              holds: 40,
              of: refills + bursts.pages.length,
              belowPages: 63,
              leastNs: work.zoneLockPages * Number(page),
            },
          }),
      unpriced: mechanism === 'remote' ? ['pcpLocks'] : mechanism === 'rcu' ? ['dereferences', 'gracePeriodWaits'] : [],
    })),
    series: {
      cachedPages: { t, cpus: Object.fromEntries(CPUS.map((cpu) => [cpu, cached[cpu] ?? []])) },
      zoneLockPages: { t, pages: zoneLockPages },
      freePages: {
        t,
        pages: t.map((_, step) => 40_000 - step * 60),
        contiguous: t.map((_, step) => Math.max(0, 30_000 - step * 150)),
      },
      strandedPages: { t, pages: isolatedPages },
      sums: { t, totals: { zoneLockPages }, refillsOf: {}, interruptionsOf: {} },
      bursts,
      burstsShown: bursts.t.length,
      burstsTotal: bursts.t.length,
    },
    quantiles: {
      ...(sizes.length === 0 ? {} : { burstPages: { p50: quantile(0.5), p99: quantile(0.99), max: quantile(1) } }),
      ...(refills === 0 ? {} : { refillPages: { p50: BATCH, p99: BATCH, max: BATCH } }),
    },
    largeHolds: [
      { over: 63, bulkFrees: Math.trunc(threshold / 2), refills: 0 },
      { over: 2000, bulkFrees: 0, refills: 0 },
    ],
    interruptions,
    times: ['fixture-server', 'fixture-desktop'].map((prices, at) => timesOf(mechanism, prices, 1 + at / 2)),
    freeBlocksAtEnd: [812, 240, 96, 31, 14, 6, 3, 2, 1, 1, 24],
  }
}

/** Waits as a mechanism of this kind has them, `factor` times those of the first machine. */
function timesOf(mechanism: Mechanism, prices: string, factor: number): Run['times'][number] {
  const spread = (count: number, p50: number, max: number) => ({
    count,
    positive: p50 > 0 ? count : 0,
    sumNs: count * p50 * factor,
    p50: p50 * factor,
    p99: max * factor,
    p999: max * factor,
    max: max * factor,
  })
  const waits: Record<Mechanism, [p50: number, max: number]> = {
    work: [496_000, 498_000],
    rcu: [20_100_000, 26_000_000],
    remote: [2_900, 11_200],
    off: [0, 0],
  }
  return {
    prices,
    zoneHold: spread(9_000, 2_400, 11_400),
    zoneWait: spread(9_000, 0, 8_000),
    listWait: spread(mechanism === 'remote' ? 12 : 0, 580, 2_900),
    operation: spread(276_916, 0, 11_400),
    requester: spread(mechanism === 'off' ? 0 : DRAINS.length, ...waits[mechanism]),
    stolenNs: Object.fromEntries(CPUS.map((cpu) => [cpu, mechanism === 'work' ? 40_000 * (cpu + 1) * factor : 0])),
    longestIrqsOffNs: 3_500 * factor,
    letGos: 0,
  }
}

export function comparisonFixture(): PcpComparison {
  const runs = choices.map(runOf)
  const { requesterWaitNs, cachedPages, strandedPages, fastPathSteps, ...recordable } = runs[0]!.totals
  const modelError = Object.fromEntries(Object.keys(recordable).map((id) => [id, 0.004]))
  const base = runs[0]?.interruptions ?? {}
  const score = (recorded: number, exact: number, predicted = recorded) => ({ recorded, predicted, exact })
  const drained = (recorded: number, wrong: number, unknownStart: number) => ({
    recorded,
    exact: recorded - wrong - unknownStart,
    unknownStart,
    wrong,
  })
  const fixture: PcpComparison = {
    family: 'pcp',
    schema: 'kreplay.comparison/1',
    captures: [
      {
        name: CAPTURE,
        kernel: '5.10.223',
        format: 'trace.dat v7 (zstd)',
        clock: 'local',
        recordedDrains: {
          requests: DRAINS.length + 2,
          withWork: DRAINS.length,
          waits: { count: DRAINS.length, mean: 2_100_000, p50: 1_900_000, p99: 4_100_000, max: 4_100_000 },
        },
        cpus: CPUS,
        isolated: [ISOLATED],
        spanNs: STEPS * STEP_NS,
        events: {
          mm_page_alloc: 139_432,
          mm_page_free: 137_484,
          mm_page_free_batched: 100_646,
          mm_page_alloc_zone_locked: 93_482,
          mm_page_pcpu_drain: 91_522,
          workqueue_queue_work: 82,
          drain_all_pages: 5,
        },
        losses: { gaps: 1, events: 312, uncounted: 0 },
        tally: [
          {
            cause: 'lost-events',
            count: 312,
            level: 'data-loss',
            help: 'The ring buffer overran; record with a larger buffer_size_kb.',
            first: 'trace.dat, CPU 2, byte 1204224',
          },
        ],
        missing: ['meminfo.before'],
        zones: [
          { name: 'DMA', managed: 3_998, batch: 1, high: 6 },
          { name: 'DMA32', managed: 71_244, batch: BATCH, high: HIGH },
        ],
        recordedInterruptions: base,
        cpuFlows: {
          matrix: [
            { allocatedOn: 0, freedOn: { 0: 60_000, 1: 21_000 }, frees: { 0: 58_000, 1: 20_000 } },
            { allocatedOn: 3, freedOn: { 0: 9_000, 3: 30_000 }, frees: { 0: 9_000, 3: 30_000 } },
          ],
          byOrder: [{ order: 0, pages: 120_000, crossCpu: 30_000 }],
          byFreeing: [{ comm: 'kswapd0', pages: 120_000, crossCpu: 30_000 }],
          byAllocating: [{ comm: 'churn', pages: 120_000, crossCpu: 30_000 }],
          overTime: [{ t: 1e9, pages: 120_000, crossCpu: 30_000 }],
        },
      },
    ],
    baseline: 'pcp/linux-5.10',
    runs,
    fidelity: [
      {
        schema: 'kreplay.fidelity/1',
        capture: CAPTURE,
        kernel: '5.10.223',
        losses: { gaps: 1, events: 312, uncounted: 0 },
        pcp: {
          policy: 'pcp/linux-5.10',
          refills: score(2_184, 2_181),
          drainBursts: score(2_214, 2_175, 2_216),
          drainedPages: drained(91_522, 146, 1_890),
          interruptions: { recorded: base, predicted: base },
          warmupShare: 0.031,
          resyncs: 41,
          withoutResync: {
            refills: score(2_184, 2_102, 2_190),
            drainBursts: score(2_214, 1_991, 2_230),
            drainedPages: drained(91_522, 2_904, 1_890),
          },
          perCpu: CPUS.map((cpu) => ({
            cpu,
            warmupShare: cpu === ISOLATED ? 0.31 : 0.02 + cpu / 100,
            scored: cpu !== ISOLATED,
            refills: score(728, 727),
            drainBursts: cpu === 2 ? score(0, 0) : score(738, cpu === 1 ? 690 : 738),
            drainedPages: drained(30_507, cpu === 0 ? 146 : 0, 630),
          })),
          requestedDrains: score(20, 19),
          excusedRefills: 4,
          tickDrains: score(5, 4),
          excusedBursts: 3,
          coverage: {
            refills: { inTrace: 2_201, scored: 2_184 },
            drainBursts: { inTrace: 2_240, scored: 2_214 },
            drainedPages: { inTrace: 97_210, scored: 91_522 },
          },
          inferredLocalDrains: 3,
          inferredBulkPages: 1_204,
          inferredPastFrees: 0,
          listCounts: CPUS.map((cpu) => ({ cpu, zone: 'DMA32', recorded: 90, predicted: 87, within: true })),
          freePages: [],
          misses: [
            { cause: 'lost-events', count: 29, help: 'The event that decided it was lost in recording.' },
            { cause: 'untraced-bulk', count: 13, help: 'The bulk allocator took pages without a trace event.' },
          ],
          scores: { refills: 2_181 / 2_184, drainBursts: 2_175 / 2_216, wrongPages: 146 / 91_522 },
        },
        notes: [],
      },
    ],
    tally: [
      {
        cause: 'pfn-outside-zones',
        count: 2,
        level: 'note',
        help: 'The page lies in no zone that zoneinfo names; it was put into the largest.',
      },
    ],
    recorded: [
      {
        capture: CAPTURE,
        totals: recordable,
        modelError,
        ownPolicy: 'pcp/linux-5.10',
        predicted: runs[0]!.totals,
        lossShare: 0.0007,
        sums: runs[0]!.series.sums!,
        marks: {
          requests: { t: DRAINS.map((step) => step * STEP_NS), cpu: DRAINS.map(() => 0) },
          losses: { t: [40 * STEP_NS], cpu: [2] },
          kswapd: { t: [20 * STEP_NS], durationNs: [3 * STEP_NS] },
        },
      },
    ],
    modelError,
    differences: differencesOf(CAPTURE, runs, 'pcp/linux-5.10', {
      recorded: new Set(Object.keys(recordable) as MeasureId[]),
      modelError,
      lossShare: 0.0007,
      varied: [],
    }),
    headline: `On drain-5.10-s, pcp/linux-5.10 interrupted CPUs ${runs[0]?.work.interruptions} times (isolated CPU 3: ${base['3']}); pcp/linux-6.1, pcp/rcu-swap and pcp/trylock would have drained the same pages with none.`,
    notes: [],
    version: '0.1.0',
    commit: '0123456789ab',
    command: "kreplay compare drain-5.10-s --policies 'pcp/linux-5.10,pcp/rcu-swap{expedited=true}' --isolated 3",
  }
  return pcpComparisonSchema.parse(fixture)
}
