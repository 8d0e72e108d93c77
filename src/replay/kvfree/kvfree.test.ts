import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Channel, kvfreePolicies } from '#policies/kvfree'
import type { KvfreeResult } from './engine.ts'
import { type SlowFree, type SlowRules, slowFrees, slowSheaves } from './testing/slow.ts'
import { CACHES, freesOf, type Group, MS, type Stage, story } from './testing/story.ts'

describe('the reference’s test vectors', () => {
  const v1: Group[] = [
    { ms: 0.2, n: 600 },
    { ms: 2.3, n: 300 },
  ]

  test.each([
    ['call-rcu', '10: 600 300'],
    ['linux-5.10', '30: 390 510'],
    ['linux-6.1', '10: 90 510, 5010: 300'],
    ['polled-v2', '10: 92 508, 5002: 300'],
    ['linux-6.12', '10: 93 507, 5002: 300'],
  ])('V1 under %s: freed at %s', (id, frees) => {
    expect(freesOf(story(`kvfree/${id}`, v1))).toBe(frees)
  })

  test('V2: with both slots busy the monitor comes back every tick, and one batch takes all that waited', () => {
    const everyTick = Array.from({ length: 11 }, (_, k) => ({ ms: k + 0.5, n: 1000 }))
    const run = story('kvfree/linux-6.1', everyTick, { endMs: 20 })
    const freedAt = new Map<number, number>()
    const { frees } = run.ledger
    for (let row = 0; row < frees.length; row++)
      freedAt.set(frees.time[row]! / MS, (freedAt.get(frees.time[row]! / MS) ?? 0) + frees.n[row]!)
    expect([...freedAt]).toEqual([
      [10, 2000],
      [20, 9000],
    ])
    expect(run.counts.slotsBusy).toBe(7)
    expect(run.counts.batches).toBe(4)
  })

  test.each(['linux-5.10', 'linux-6.1', 'split-ready', 'linux-6.12'])(
    'V3 under %s: no page to be had makes one-argument callers sleep a grace period each',
    (id) => {
      const run = story(`kvfree/${id}`, [{ ms: 0.2, n: 8, single: true }], { pages: false, cached: 0, endMs: 30 })
      expect(run.counts).toMatchObject({ inlineWaits: 8, throttledCallers: 8, listFallbacks: 0, batches: 0 })
      expect(run.works.monitor).toBe(0)
      expect(freesOf(run)).toBe('10: 1 1 1 1 1 1 1 1')
    },
  )

  test('V6: 59 objects never fill a sheaf, the 60th frees them all a grace period later', () => {
    const sheaf = (n: number) => story('kvfree/linux-7.2', [{ ms: 0.2, n }])
    expect(freesOf(sheaf(59))).toBe('')
    expect(sheaf(59).callbacks).toBe(0)
    expect(freesOf(sheaf(60))).toBe('10: 60')
  })
})

describe('kvfree_rcu_barrier()', () => {
  const trickle: Group[] = [{ ms: 0.2, n: 10 }]

  test('6.12: what is collected becomes a batch at once, and is free a grace period later', () => {
    expect(freesOf(story('kvfree/linux-6.12', trickle, { barriers: [7] }))).toBe('15: 10')
  })

  test('7.2: a sheaf that is not full goes too', () => {
    expect(freesOf(story('kvfree/linux-7.2', trickle, { barriers: [7] }))).toBe('15: 10')
  })

  test('6.1 has none: objects wait for the monitor', () => {
    expect(freesOf(story('kvfree/linux-6.1', trickle, { barriers: [7] }))).toBe('5010: 10')
  })
})

describe('a wrong rule shows', () => {
  const trickle: Group[] = [{ ms: 0.2, n: 100 }]

  test('20 ms instead of 5 s frees a trickle early', () => {
    expect(freesOf(story('kvfree/linux-6.1', trickle))).toBe('5010: 100')
    expect(freesOf(story('kvfree/linux-6.1{drainMs=20}', trickle))).toBe('30: 100')
  })

  test('one slot instead of two lets objects wait for the slot', () => {
    const twice: Group[] = [
      { ms: 0.5, n: 510 },
      { ms: 1.5, n: 510 },
    ]
    expect(freesOf(story('kvfree/linux-6.1', twice, { endMs: 100 }))).toBe('10: 510 510')
    expect(freesOf(story('kvfree/linux-6.1{slots=1}', twice, { endMs: 100 }))).toBe('10: 510, 20: 510')
  })

  test('the snapshot of the first insertion frees a page whose last object still needs a grace period', () => {
    // Both slots are busy until 60, as the second grace period is long; a page is begun before it and ended within it.
    const groups: Group[] = [
      { ms: 0.5, n: 507 },
      { ms: 1.5, n: 507 },
      { ms: 2.5, n: 1 },
      { ms: 57.5, n: 600 },
    ]
    const stage = {
      gracePeriods: [
        [3, 57],
        [57.2, 90],
        [90, 120],
      ] as const,
      endMs: 110,
    }
    const right = story('kvfree/linux-6.12', groups, stage)
    const wrong = story('kvfree/linux-6.12{cookieAt=first}', groups, stage)
    expect(right.counts.readyEarly).toBe(0)
    expect(wrong.counts.readyEarly).toBe(507)
  })
})

describe('fast = slow', () => {
  const common: SlowRules = {
    maxEntries: 3,
    slots: 2,
    cachedPages: 2,
    drainTicks: 50,
    hurries: true,
    source: { from: 'caller' },
    drainsReady: false,
    batch: 'rcu-work',
  }
  const release = '{maxEntries=3,drainMs=50,cachedPages=2,hurryAt=3}'
  /** Seed 002's, with the batches of 5.10. */
  const proposal = { ...common, hurries: false, drainTicks: 20 }
  const own = 'gp=linux-5.10,maxEntries=3,pages=2'
  const sleeper = { from: 'sleeper', allocTicks: 0.25 } as const
  const cases: [string, SlowRules, Stage?][] = [
    [
      'linux-5.10{maxEntries=3,drainMs=50,cachedPages=2}',
      { ...common, hurries: false, source: { from: 'worker' } },
      { cached: 0 },
    ],
    [`linux-6.1${release}`, common, { cached: 0 }],
    [`cond-sync${release}`, { ...common, batch: 'cond-sync' }, { cached: 0 }],
    [`polled-v2${release}`, { ...common, batch: 'polled' }, { cached: 0 }],
    [`polled-rcu-work${release}`, { ...common, batch: 'polled-rcu-work' }, { cached: 0 }],
    [`split-ready${release}`, { ...common, drainsReady: true }, { cached: 0 }],
    [`linux-6.12${release}`, { ...common, drainsReady: true }, { cached: 0 }],
    [`single-wait{${own},allocUs=250}`, { ...proposal, source: sleeper }],
    [`single-wait{${own.replace('pages=2', 'pages=0')},allocUs=250}`, { ...proposal, cachedPages: 0, source: sleeper }],
    [`single-inline-gp{${own},allocUs=250,stalledMs=4}`, { ...proposal, source: { ...sleeper, stalledTicks: 4 } }],
    [
      `single-inline-gp{${own},allocUs=250,stalledMs=0,pages=0}`,
      { ...proposal, cachedPages: 0, source: { ...sleeper, fails: true } },
      { pages: false },
    ],
    [
      `single-refill{${own},allocUs=250,critical=2,perTick=4}`,
      { ...proposal, source: { ...sleeper, watch: { critical: 2, perTick: 4, delayTicks: 0 } } },
    ],
    [
      `single-refill{${own},allocUs=250,critical=0,perTick=3,context=softirq}`,
      { ...proposal, source: { ...sleeper, watch: { critical: 0, perTick: 3, delayTicks: 2 } } },
    ],
    [
      'single-no-locks{gp=linux-5.10,maxEntries=3,pages=1}',
      { ...proposal, cachedPages: 1, source: { from: 'pcp', lists: { high: 6, batch: 3, objectsPerPage: 4 } } },
      { pageLists: { pcpHigh: 6, pcpBatch: 3 } },
    ],
  ]

  /** Objects by the moment at which they were freed, and by where they waited. */
  const byMoment = (frees: readonly { ms: number; n: number; from: number }[]) => {
    const all = new Map<string, number>()
    for (const { ms, n, from } of frees) {
      const key = `${ms.toFixed(6)} from ${from}`
      all.set(key, (all.get(key) ?? 0) + n)
    }
    return [...all].sort()
  }
  const fast = ({ ledger: { frees } }: KvfreeResult) =>
    byMoment(
      Array.from({ length: frees.length }, (_, row) => ({
        ms: frees.time[row]! / MS,
        n: frees.n[row]!,
        from: frees.channel[row]!,
      })),
    )
  const slow = (freed: readonly (SlowFree | undefined)[]) =>
    byMoment(freed.flatMap((one) => (one === undefined ? [] : [{ ms: one.at, n: 1, from: Channel[one.from] }])))

  // Often many at once, as sleepers and empty lists need.
  const gap = fc.oneof(
    fc.constantFrom(0, 0, 0.1),
    fc.nat({ max: 40 }).map((tenths) => tenths / 10),
  )
  const anyGracePeriods = fc
    .array(fc.record({ gap: fc.nat({ max: 6 }), length: fc.integer({ min: 1, max: 12 }) }), {
      minLength: 20,
      maxLength: 60,
    })
    .map((lengths) => {
      let t = 0
      return lengths.map(({ gap: idle, length }) => {
        const start = t + idle
        t = start + length
        return [start, t] as const
      })
    })
  /** No call comes at the very moment that something asked for by an earlier one is done: nothing says which is first then. */
  const timed = <T extends { gap: number }>(all: readonly T[]) => {
    let at = 0.05
    return all.map((one) => {
      if (one.gap > 0) at += one.gap + 1e-4
      return { ...one, at }
    })
  }

  test.each(cases)('%s frees every object when the slow model does', (id, rules, stage = {}) => {
    // Objects of a page's quarter where page lists count.
    const cache = rules.source.from === 'pcp' ? 2 : 0
    fc.assert(
      fc.property(
        fc.array(fc.record({ gap, single: fc.boolean() }), { maxLength: 60 }),
        anyGracePeriods,
        (gaps, gracePeriods) => {
          const calls = timed(gaps)
          const endMs = 1000
          const run = story(
            `kvfree/${id}`,
            calls.map(({ at: ms, single }) => ({ ms, n: 1, single, cache })),
            { gracePeriods, endMs, ...stage },
          )
          expect(fast(run)).toEqual(slow(slowFrees(calls, gracePeriods, rules, endMs)))
        },
      ),
      { numRuns: 300 },
    )
  })

  test('linux-7.2 frees every sheaf when the slow model does', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ gap, n: fc.integer({ min: 1, max: 40 }), cache: fc.nat({ max: CACHES.length - 1 }) }), {
          maxLength: 20,
        }),
        anyGracePeriods,
        (gaps, gracePeriods) => {
          const groups = timed(gaps)
          const calls = groups.flatMap(({ n, ...call }) => Array.from({ length: n }, () => call))
          const run = story(
            'kvfree/linux-7.2',
            groups.map(({ at: ms, n, cache }) => ({ ms, n, cache })),
            { gracePeriods, endMs: 1000 },
          )
          expect(fast(run)).toEqual(slow(slowSheaves(calls, gracePeriods, [60, 28, 12])))
        },
      ),
      { numRuns: 300 },
    )
  })
})

describe('Gleixner, August 2020', () => {
  test('single-wait: 2048 calls fit four pages; the next allocates, and those beside it wait for its page', () => {
    const calls: Group[] = [{ ms: 0.5, n: 2048 + 3, single: true }]
    const run = story('kvfree/single-wait{gp=linux-6.1}', calls, { endMs: 30, cached: 0 })
    expect(run.counts).toMatchObject({ pagesByCaller: 1, throttledCallers: 3, throttledNs: 3 * 10e3, inlineWaits: 0 })
    expect(run.ledger.freed).toBe(2051)
  })

  test('single-inline-gp: who gets no page sleeps a grace period; in a stalled one nobody asks for a page', () => {
    const calls: Group[] = [{ ms: 0.5, n: 5, single: true }]
    const none = story('kvfree/single-inline-gp{pages=0}', calls, { endMs: 30, cached: 0, pages: false })
    expect(none.counts).toMatchObject({ inlineWaits: 5, throttledCallers: 5, listFallbacks: 0 })
    const late: Group[] = [
      { ms: 1500.5, n: 5, single: true },
      { ms: 1500.6, n: 5 },
    ]
    const stalled = {
      endMs: 3500,
      cached: 0,
      gracePeriods: [
        [0, 2900],
        [2900, 2905],
        [2905, 2910],
      ] as const,
    }
    const skips = story('kvfree/single-inline-gp{pages=0}', late, stalled)
    expect(skips.counts).toMatchObject({ pagesByCaller: 0, inlineWaits: 5, listFallbacks: 5 })
    const asks = story('kvfree/single-inline-gp{pages=0,stalledMs=0}', late, stalled)
    expect(asks.counts).toMatchObject({ pagesByCaller: 1, inlineWaits: 0 })
  })

  test.each([
    ['syscall', 0],
    ['kthread', 0],
    ['softirq', 5120 - 2048],
    ['irq', 5120 - 2048],
    ['atomic', 5120 - 2048],
  ])('single-refill in %s: callers of a flood of two-argument calls find no page for some', (context, most) => {
    const run = story(`kvfree/single-refill{context=${context}}`, [{ ms: 0.5, n: 5120 }], { endMs: 40, cached: 0 })
    expect(run.counts.listFallbacks).toBe(most)
  })

  test('single-no-locks: in a tight loop one page in 63 is not to be had', () => {
    const loop = Array.from({ length: 1000 }, (_, k) => ({ ms: 0.05 + k / 10, n: 1000 }))
    const { counts } = story('kvfree/single-no-locks', loop, { endMs: 200, cached: 0 })
    const share = counts.pcpMisses / (counts.pcpMisses + counts.pagesByPcp)
    expect(share).toBeGreaterThan(0.01)
    expect(share).toBeLessThan(0.02)
  })

  test('single-no-locks: one-argument callers that sleep allocate too, so that the lists fill again', () => {
    const loop = Array.from({ length: 300 }, (_, k) => ({ ms: 0.05 + k / 10, n: 1000, single: true }))
    const { counts, ledger } = story('kvfree/single-no-locks', loop, { endMs: 200, cached: 0 })
    expect(counts.pcpMisses).toBeGreaterThan(0)
    expect(counts.inlineWaits).toBeLessThan(0.02 * ledger.enqueued)
  })
})

test('no object is made or lost, and the same input gives the same run', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...kvfreePolicies.map(({ id }) => id)),
      fc.array(fc.record({ ms: fc.nat({ max: 300 }), n: fc.integer({ min: 1, max: 900 }), single: fc.boolean() }), {
        maxLength: 12,
      }),
      (id, groups) => {
        const sorted = groups.sort((a, b) => a.ms - b.ms).map((group) => ({ ...group, ms: group.ms + 0.3 }))
        const run = story(`kvfree/${id}`, sorted, { endMs: 400, cached: 1 })
        const { ledger, counts } = run
        const { collected, waiting, freeing } = ledger.objects
        expect(ledger.enqueued).toBe(sorted.reduce((n, group) => n + group.n, 0))
        expect(collected + waiting + freeing).toBe(ledger.inFlight)
        expect(ledger.latencies.count).toBe(ledger.freed)
        expect(ledger.pages).toBe(
          counts.pagesByRefill + counts.pagesByCaller + counts.pagesByPcp - counts.pagesReturned,
        )
        // A sheaf itself takes memory as long as one of its objects waits.
        if (id !== 'linux-7.2') expect(ledger.bytes).toBeCloseTo(32 * ledger.inFlight)
        else if (ledger.inFlight === 0) expect(ledger.bytes).toBeCloseTo(0)
        else expect(ledger.bytes).toBeGreaterThan(32 * ledger.inFlight)
        expect(freesOf(story(`kvfree/${id}`, sorted, { endMs: 400, cached: 1 }))).toBe(freesOf(run))
      },
    ),
    { numRuns: 60 },
  )
})
