import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { randomOf } from '#kernel/numbers'
import { choosePolicy } from '#policies'
import { kvfreePolicies } from '#policies/kvfree'
import { GeneratedGracePeriods } from '../../sim/grace-periods/index.ts'
import { runWorkload } from './run-workload.ts'
import { kvfreeWorkloads } from './workloads/index.ts'

const workload = (id: string) => kvfreeWorkloads.find((one) => one.id === id)!
const policy = (id: string) => kvfreePolicies.find((one) => one.id === id)!
const run = (id: string, policyId: string, params: Record<string, unknown>, seed = 1) => {
  const { params: schema, create } = workload(id)
  const { params: ofPolicy } = policy(policyId)
  return runWorkload(create(schema.parse(params)), policy(policyId), ofPolicy.parse({}), seed)
}

/** Small enough to run each under every policy. */
const small: Record<string, Record<string, unknown>> = {
  rcuscale: { loops: 8, nthreads: 4, cpus: 8, allocNum: 1000 },
  'kvfree-flood': { objects: 20_000 },
  'kvfree-mixed': { objects: 5000 },
  'kvfree-vmalloc': { objects: 2000 },
  'kvfree-trickle': { objects: 100 },
  'kvfree-stall': { objects: 20_000, stallAtMs: 100, stallMs: 300 },
}

test('every workload under every policy: what came is freed, and no byte is left over', () => {
  for (const { id } of kvfreeWorkloads) {
    for (const { id: policyId } of kvfreePolicies) {
      const { result } = run(id, policyId, small[id]!)
      const { ledger } = result
      expect({ id, policyId, left: ledger.inFlight, bytes: Math.abs(ledger.bytes) > 1 }).toEqual({
        id,
        policyId,
        left: ledger.objects.collected,
        bytes: ledger.objects.collected > 0,
      })
      expect(ledger.objects.waiting + ledger.objects.freeing).toBe(0)
    }
  }
})

test('the same seed gives the same run, another seed another', () => {
  const of = (seed: number) => {
    const { result, machine, gracePeriods } = run('rcuscale', 'linux-6.1', small.rcuscale!, seed)
    return { counts: result.counts, after: machine.after, intervals: gracePeriods.intervals }
  }
  expect(of(1)).toEqual(of(1))
  expect(of(1)).not.toEqual(of(2))
})

test('a bound worker takes its CPU from the producer; where callbacks are offloaded to idle CPUs it does not', () => {
  const own = run('rcuscale', 'linux-6.1', { loops: 400, nthreads: 4, cpus: 16, nocb: 'none' })
  const offloaded = run('rcuscale', 'linux-6.1', { loops: 400, nthreads: 4, cpus: 16, nocb: 'all', atHomeChance: 0 })
  expect(own.machine.stolenNs).toBeGreaterThan(offloaded.machine.stolenNs)
  expect(own.lastCall).toBeGreaterThan(offloaded.lastCall)
})

describe('threads of rcuscale that start one after another', () => {
  const threads = { loops: 100, nthreads: 8, cpus: 16, startNs: 1e6 }

  test('while they start the system boots: synchronize_rcu() is expedited, but queue_rcu_work() is not', () => {
    const firstGp = (policyId: string) =>
      run('rcuscale', policyId, { ...threads, nocb: 'all' }).gracePeriods.intervals[0]!.start
    expect(firstGp('polled-v2')).toBeGreaterThan(7e6)
    expect(firstGp('cond-sync')).toBeGreaterThan(7e6)
    expect(firstGp('linux-6.1')).toBeLessThan(3e6)
  })

  test('what the last one found in use was not much, where freeing waited for expedited grace periods', () => {
    const found = (policyId: string) => {
      const { tasks } = run('rcuscale', policyId, { ...threads, nocb: 'all' }).flows
      return tasks.at(-1)!.samples[0]!.pages
    }
    expect(found('polled-v2')).toBeLessThan(found('linux-6.1') / 2)
  })

  test('the 20 ms of older kernels put all in step that start in one jiffy: they need fewer grace periods', () => {
    const gracePeriods = (startNs: number) => {
      const { policy: rules, params } = choosePolicy('kvfree', kvfreePolicies, 'kvfree/linux-6.1{drainMs=20,hurryAt=0}')
      const { params: schema, create } = workload('rcuscale')
      const scene = create(schema.parse({ loops: 400, nocb: 'none', startNs }))
      return runWorkload(scene, rules, params, 1).gracePeriods.intervals.length
    }
    expect(gracePeriods(200_000)).toBeGreaterThan(2 * gracePeriods(0))
  })

  test('costs that lie apart: the first is the fastest, the last the slowest, the mean is as before', () => {
    const scene = workload('rcuscale').create(
      workload('rcuscale').params.parse({ ...threads, enqueueNs: 100, costSpread: 0.1 }),
    )
    const costs = scene.flows.map(({ costNs }) => costNs)
    expect(costs[0]).toBeCloseTo(90)
    expect(costs.at(-1)).toBeCloseTo(110)
    expect(costs.reduce((sum, cost) => sum + cost) / costs.length).toBeCloseTo(100)
  })
})

test('producers that find no memory wait until some is freed', () => {
  const { flows, result } = run('rcuscale', 'linux-6.1', { loops: 400, nthreads: 2, cpus: 4, memoryMiB: 64, mult: 16 })
  expect(flows.reclaims).toBeGreaterThan(0)
  // Half a jiffy's worth beside the limit: an object is seen when its run was taken.
  expect(result.ledger.peakBytes).toBeLessThan(70 * 2 ** 20)
  expect(result.ledger.inFlight).toBe(0)
})

describe('the shrinker', () => {
  // 128 objects fill the memory, and no page of pointers is ever full.
  const few = { callers: 2, objects: 1000, objectBytes: 2 ** 19, memoryMiB: 64, perSecond: 1000 }

  test.each(['linux-6.1', 'polled-v2', 'split-ready', 'linux-6.12'])(
    'under %s: callers that find no memory wait for a grace period, not for the 5 s of the monitor',
    (id) => {
      const { result, flows, lastCall } = run('kvfree-trickle', id, few)
      expect(flows.reclaims).toBeGreaterThan(10)
      expect(result.counts.shrinks).toBe(flows.reclaims)
      expect(result.counts.shrunkObjects).toBeGreaterThan(1000)
      expect(lastCall).toBeLessThan(2.5e9)
      expect(result.ledger.inFlight).toBe(0)
    },
  )

  test('since 6.1 it drops spare pages, and puts off their refill for 5 s', () => {
    const refillsOf = (id: string) => {
      const { result } = run('kvfree-trickle', id, { ...few, cpus: 2, objects: 300 })
      return { dropped: result.counts.shrunkPages > 0, refills: result.works.refill }
    }
    // 5.10 looks for pages as often as it makes batches.
    expect(refillsOf('linux-5.10').dropped).toBe(false)
    const { dropped, refills } = refillsOf('linux-6.1')
    expect(dropped).toBe(true)
    expect(refills).toBeLessThan(6)
  })
})

test('while a grace period stalls, nothing is freed whose grace period had not passed', () => {
  const { result, gracePeriods } = run('kvfree-stall', 'linux-6.1', { objects: 50_000, stallAtMs: 100, stallMs: 300 })
  const longest = Math.max(...gracePeriods.intervals.map(({ start, end = start }) => end - start))
  expect(longest).toBeGreaterThan(300e6)
  expect(result.ledger.latencies.max).toBeGreaterThan(300e6)
})

test('generated grace periods: none without a request, a cookie is reached by one that began after it was taken', () => {
  const requests = fc.array(fc.nat({ max: 30_000_000 }), { minLength: 1, maxLength: 40 })
  fc.assert(
    fc.property(requests, fc.integer(), fc.constantFrom(100, 250, 1000), (gaps, seed, hz) => {
      const idleShare = 0.75
      const params = { hz, cpus: 64, idleShare, secondScan: 0.6, readerChance: 0.1, readerNs: 2e6, stalls: [] }
      const gps = new GeneratedGracePeriods(params, randomOf(seed, 'gps'))
      expect(gps.next).toBe(Number.POSITIVE_INFINITY)
      let now = 0
      for (const gap of gaps) {
        now += gap
        gps.advance(now)
        gps.request(now)
        const cookie = gps.sequences.snapNormal()
        const from = gps.intervals.length
        while (gps.sequences.normal < cookie) gps.advance(gps.next)
        const { start, end } = gps.intervals.at(-1)!
        expect(gps.intervals.length).toBeGreaterThan(from)
        expect(start).toBeGreaterThanOrEqual(now)
        now = Math.max(now, end!)
      }
      const overlap = gps.intervals.some(({ start }, at) => at > 0 && start < gps.intervals[at - 1]!.end!)
      expect(overlap).toBe(false)
      // Nobody asked again: it goes idle.
      expect(gps.next).toBe(Number.POSITIVE_INFINITY)
    }),
  )
})

test('a scan decides the length where CPUs are idle, a report where none is', () => {
  const mean = (idleShare: number, secondScan: number) => {
    const params = { hz: 1000, cpus: 64, idleShare, secondScan, readerChance: 0, readerNs: 0, stalls: [] }
    const gps = new GeneratedGracePeriods(params, randomOf(1, 'gps'))
    for (let time = 0; gps.intervals.length < 500; time = gps.next) {
      gps.advance(time)
      gps.request(time)
    }
    const whole = gps.intervals.slice(0, 499)
    return whole.reduce((sum, { start, end }) => sum + (end! - start), 0) / whole.length / 1e6
  }
  expect(mean(0.75, 0)).toBeCloseTo(3, 0)
  expect(mean(0.75, 1)).toBeCloseTo(6, 0)
  expect(mean(0, 1)).toBeLessThan(2.1)
})
