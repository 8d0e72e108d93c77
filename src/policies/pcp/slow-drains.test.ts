import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { drainPolicies } from './index.ts'
import { type Deed, type Request, Scheduler, SlowDrains, type World } from './testing/slow-drains.ts'
import type { DrainActions, DrainMechanism, DrainObserver } from './types.ts'

/** The fast mechanisms on counts of pages. Time is the slow ones' scheduler. */
class FastDrains implements DrainActions, DrainObserver {
  readonly deeds: Deed[] = []
  readonly cpus: number
  readonly zones: number
  readonly isolated: readonly number[]
  remoteDrains = 0
  workItems = 0
  readonly #world: World
  readonly #scheduler: Scheduler
  readonly #detached = new Map<string, number>()

  constructor(world: World, scheduler: Scheduler) {
    this.#world = world
    this.#scheduler = scheduler
    this.cpus = world.counts.length
    this.zones = world.counts[0]!.length
    this.isolated = world.isolated
  }

  get observer(): DrainObserver {
    return this
  }

  get now(): number {
    return this.#scheduler.now
  }

  #did(deed: Deed extends infer D ? (D extends Deed ? Omit<D, 'at'> : never) : never): void {
    this.deeds.push({ ...deed, at: this.now } as Deed)
  }

  count(cpu: number, zone: number): number {
    return this.#world.counts[cpu]![zone]!
  }

  batch(): number {
    return this.#world.batch
  }

  drainPages(cpu: number, zone: number, most: number, by: number): number {
    const pages = Math.min(most, this.count(cpu, zone))
    this.#world.counts[cpu]![zone]! -= pages
    this.#did({ what: 'drains', cpu, zone, pages, by })
    return pages === 0 ? 0 : this.#world.price(pages)
  }

  detach(cpu: number, zone: number): void {
    const pages = this.count(cpu, zone)
    this.#detached.set(`${cpu} ${zone}`, pages)
    this.#world.counts[cpu]![zone] = 0
    this.#did({ what: 'swaps', cpu, zone, pages })
  }

  freeDetached(cpu: number, zone: number, by: number): number {
    const pages = this.#detached.get(`${cpu} ${zone}`)!
    this.#detached.delete(`${cpu} ${zone}`)
    this.#did({ what: 'drains', cpu, zone, pages, by })
    return this.#world.price(pages)
  }

  interrupt(cpu: number): void {
    this.#did({ what: 'interrupts', cpu })
  }

  stolen(cpu: number, ns: number): void {
    this.#did({ what: 'stops', cpu, ns })
  }

  gracePeriodEnd(): number | undefined {
    return this.#world.gracePeriods.find(({ start }) => start >= this.now)?.end
  }

  gracePeriodWait(): void {
    this.#did({ what: 'waits for a grace period' })
  }

  skipped(): void {
    this.#did({ what: 'skips' })
  }

  sleptInAtomic(): void {
    this.#did({ what: 'sleeps in atomic context' })
  }

  answered(since: number): void {
    this.#did({ what: 'answers', since })
  }

  workItemWait(): void {
    this.workItems++
  }

  remoteDrain(): void {
    this.remoteDrains++
  }

  after(ns: number, then: () => void): void {
    this.#scheduler.run(
      (function* () {
        yield ns
        then()
      })(),
    )
  }
}

type Slow = (drains: SlowDrains, world: World, request: Request) => void
interface Pair {
  readonly id: string
  readonly params: Record<string, unknown>
  readonly slow: Slow
}

const ofId = (id: string, params: Record<string, unknown>): DrainMechanism => {
  const policy = drainPolicies.find((one) => one.id === id)!
  return policy.create(policy.params.parse(params) as never)
}

const ns = fc.constantFrom(0, 0, 1, 30, 500)
const byWork = (id: string) =>
  fc
    .record({
      workDelayNs: ns,
      isolatedDelayNs: fc.option(ns, { nil: undefined }),
      busyCpus: fc.nat(2),
      busyDelayNs: ns,
    })
    .map((params): Pair => {
      const { workDelayNs, isolatedDelayNs = workDelayNs, busyCpus, busyDelayNs } = params
      return {
        id,
        params,
        slow: (drains, { isolated }, request) =>
          drains.request(request, (_cpu, zone, self) =>
            drains.work(
              (cpu) => (cpu < busyCpus ? busyDelayNs : isolated.includes(cpu) ? isolatedDelayNs : workDelayNs),
              zone,
              self,
            ),
          ),
      }
    })

const remote = (id: string, params: Record<string, unknown>, chunked: boolean, sleeps = false): Pair => ({
  id,
  params,
  slow: (drains, { batch }, request) =>
    drains.request(request, (cpu, zone) =>
      drains.remote(chunked ? batch * 32 : Number.POSITIVE_INFINITY, sleeps, cpu, zone),
    ),
})

const mechanisms: Record<string, fc.Arbitrary<Pair>> = {
  work: byWork('work'),
  'no-isolated': byWork('no-isolated'),
  'rcu-swap': fc
    .record({
      expedited: fc.boolean(),
      gracePeriods: fc.constantFrom('trace', 'generated'),
      gracePeriodNs: ns,
      expeditedNs: ns,
    })
    .map((params) => ({
      id: 'rcu-swap',
      params,
      slow: (drains, _world, request) =>
        drains.request(request, (cpu, zone) =>
          drains.rcuSwap(
            {
              expedited: params.expedited,
              fromTrace: params.gracePeriods === 'trace',
              lengthNs: params.expedited ? params.expeditedNs : params.gracePeriodNs,
            },
            cpu,
            zone,
          ),
        ),
    })),
  spinlock: fc.constant(remote('spinlock', {}, false)),
  trylock: fc
    .record({
      wholeCount: fc.boolean(),
      kernel: fc.constantFrom('smp', 'up', 'rt', 'rt-up'),
      corrected: fc.boolean(),
    })
    .map((params) =>
      remote('trylock', params, !params.wholeCount, params.kernel.startsWith('rt') && !params.corrected),
    ),
  none: fc.constant<Pair>({ id: 'none', params: {}, slow: () => {} }),
}

const anyStory = fc.record({
  steps: fc.array(
    fc.record({
      after: fc.constantFrom(0, 1, 7, 100, 600),
      cpu: fc.nat(2),
      zone: fc.nat(1),
      what: fc.constantFrom('free', 'free', 'alloc', 'drain all', 'drain zone'),
      pages: fc.integer({ min: 1, max: 150 }),
    }),
    { maxLength: 40 },
  ),
  base: fc.constantFrom(0, 50),
  each: fc.constantFrom(0, 2),
  batch: fc.integer({ min: 1, max: 3 }),
  isolated: fc.subarray([0, 1, 2]),
  gaps: fc.array(fc.integer({ min: 1, max: 400 }), { maxLength: 12 }),
})
type Story = typeof anyStory extends fc.Arbitrary<infer T> ? T : never

/** Plays a story in a world of its own. */
function play<T>(
  { steps, base, each, batch, isolated, gaps }: Story,
  make: (world: World, scheduler: Scheduler) => { deeds: Deed[]; request: (request: Request) => void; more: T },
) {
  const ends = gaps.map((_, at) => gaps.slice(0, at + 1).reduce((sum, gap) => sum + gap, 0))
  const world: World = {
    counts: [0, 1, 2].map(() => [0, 0]),
    isolated,
    batch,
    price: (pages) => base + each * pages,
    gracePeriods: ends.slice(1).map((end, at) => ({ start: ends[at]!, end })),
  }
  const scheduler = new Scheduler()
  const { deeds, request, more } = make(world, scheduler)
  let time = 0
  for (const { after, cpu, zone, what, pages } of steps) {
    time += after
    scheduler.pass(time)
    const here = world.counts[cpu]!
    if (what === 'free') here[zone]! += pages
    else if (what === 'alloc') here[zone] = Math.max(0, here[zone]! - pages)
    else request({ time, cpu, zone: what === 'drain all' ? undefined : zone })
  }
  scheduler.pass(Number.POSITIVE_INFINITY)
  return { deeds, counts: world.counts, more }
}

describe('each drain mechanism, written twice', () => {
  test.each(Object.keys(mechanisms))('%s: fast and slow agree on 1,000 random stories', (name) => {
    let deeds = 0
    fc.assert(
      fc.property(mechanisms[name]!, anyStory, ({ id, params, slow }, story) => {
        const slowly = play(story, (world, scheduler) => {
          const drains = new SlowDrains(world, scheduler)
          return { deeds: drains.deeds, request: (request) => slow(drains, world, request), more: undefined }
        })
        const fast = play(story, (world, scheduler) => {
          const drains = new FastDrains(world, scheduler)
          const mechanism = ofId(id, params)
          return {
            deeds: drains.deeds,
            request: ({ cpu, zone }) => mechanism.request(drains, cpu, zone),
            more: drains,
          }
        })
        expect(fast.deeds).toEqual(slowly.deeds)
        expect(fast.counts).toEqual(slowly.counts)
        deeds += fast.deeds.length
        const interrupted = fast.deeds.filter(({ what }) => what === 'interrupts').length
        expect(fast.more.workItems).toBe(id === 'work' || id === 'no-isolated' ? interrupted : 0)
      }),
      { numRuns: 1000 },
    )
    expect(deeds > 0).toBe(name !== 'none')
  })
})

test('what a local operation pays under each mechanism', () => {
  const paid = (id: string, params = {}) => {
    const { request: _, ...rest } = ofId(id, params)
    return rest
  }
  expect(paid('work')).toEqual({ irqSave: true, drainsIrqsOff: true })
  expect(paid('no-isolated')).toEqual({ irqSave: true, drainsIrqsOff: true, listsOff: 'isolated' })
  expect(paid('rcu-swap')).toEqual({ dereference: true, irqSave: true, drainsIrqsOff: true })
  expect(paid('spinlock')).toEqual({ pcpLock: true, irqSave: true, drainsIrqsOff: true, contended: 'waits' })
  expect(paid('none')).toEqual({})
  const tries = { pcpLock: true, contended: 'goes to the buddy' }
  expect(paid('trylock')).toEqual({ ...tries, irqSave: false, drainsIrqsOff: true })
  // Without SMP a try-lock always succeeds, so interrupts must go off.
  expect(paid('trylock', { kernel: 'up' })).toEqual({ pcpLock: true, irqSave: true, drainsIrqsOff: true })
  expect(paid('trylock', { kernel: 'rt' })).toEqual({ ...tries, irqSave: false, drainsIrqsOff: false })
  expect(paid('trylock', { kernel: 'rt', corrected: false })).toMatchObject({ irqSave: false, drainsIrqsOff: true })
  expect(paid('trylock', { kernel: 'rt-up' })).toEqual({ ...tries, irqSave: false, drainsIrqsOff: false })
  expect(paid('trylock', { kernel: 'rt-up', corrected: false })).toMatchObject({ irqSave: true, drainsIrqsOff: true })
  expect(paid('trylock', { kernel: 'up-bypass' })).toMatchObject({ listsOff: 'all' })
})
