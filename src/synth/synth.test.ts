import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Ask, type Demand, DemandBuilder } from '#events/demand'
import { KNOWN_VERSIONS, parseRelease } from '#kernel'
import { randomOf } from '#kernel/numbers'
import { like, likeParams, workloads } from './index.ts'
import { Lifetimes } from './lifetimes.ts'
import { LiveBlocks } from './live-blocks.ts'
import { flowsOf, reordered } from './order.ts'

const release = parseRelease('6.1')!
/** Short, so that all workloads are made in a second. */
const short: Record<string, Record<string, unknown>> = {
  'guest-boot': { memoryGiB: 1, kernelSeconds: 0.1, userSeconds: 0.2, services: 10 },
  'page-churn': { seconds: 0.1 },
  pressure: { seconds: 0.2 },
  files: { seconds: 0.2 },
}

/** Rows that break what every demand holds: order of time, each block allocated once, freed at most once and only after that. */
function brokenRows({ time, ask, block, order, start, length }: Demand): number[] {
  const broken: number[] = []
  const state = new Map<number, number>()
  for (let row = 0; row < length; row++) {
    let holds = (row === 0 || time[row]! >= time[row - 1]!) && time[row]! >= 0 === row >= start
    if (ask[row] === Ask.alloc || ask[row] === Ask.bulkAlloc) {
      holds &&= !state.has(block[row]!)
      state.set(block[row]!, order[row]!)
    } else if (ask[row] === Ask.free || ask[row] === Ask.freeListed) {
      holds &&= state.get(block[row]!) === order[row]!
      state.set(block[row]!, -1)
    }
    if (!holds) broken.push(row)
  }
  return broken
}

describe.each(workloads.map((workload) => [workload.id, workload] as const))('%s', (id, workload) => {
  const make = (seed: number, version = '6.1') => {
    const made = workload.create(workload.params.parse(short[id] ?? {}), { seed, release: parseRelease(version)! })
    if (made.demand === undefined) throw new Error(`${id} makes no demand`)
    return made.demand
  }

  test('frees what it allocated, once, and in order of time', () => {
    for (const version of KNOWN_VERSIONS) expect(brokenRows(make(1, version))).toEqual([])
  })

  test('is the same for the same seed, and another for another', () => {
    expect(make(3)).toEqual(make(3))
    expect(make(3).time).not.toEqual(make(4).time)
  })

  test('every parameter says what it is', () => {
    for (const [name, schema] of Object.entries(workload.params.shape))
      expect({ name, help: (schema as { meta(): { help?: string } }).meta()?.help }).toEqual({
        name,
        help: expect.stringMatching(/^[A-Z].*\.$/),
      })
  })
})

test('a live block is the one born nearest, and each is given out once', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(1000), { minLength: 1 }), fc.array(fc.nat(1000)), (births, asked) => {
      const blocks = new LiveBlocks()
      const left = [...births].sort((a, b) => a - b)
      left.forEach((birth, block) => {
        blocks.add(block, birth)
      })
      const alive = new Map(left.map((birth, block) => [block, birth]))
      for (const moment of asked) {
        const taken = blocks.take(moment)
        if (alive.size === 0) {
          expect(taken).toBe(undefined)
          continue
        }
        const nearest = Math.min(...[...alive.values()].map((birth) => Math.abs(birth - moment)))
        expect(Math.abs(alive.get(taken!)! - moment)).toBe(nearest)
        alive.delete(taken!)
        expect(blocks.size).toBe(alive.size)
      }
    }),
  )
})

describe('lifetimes', () => {
  /** Bursts of 50 blocks of one kind; half live 300 ns and half 20 µs; each burst’s frees come up to 0.6 µs late or early. */
  const bornAt = (block: number) => Math.floor(block / 50) * 1000 + (block % 50)
  const shuffled = (seed: number) => {
    let late = 0
    const random = randomOf(seed, 'shuffled')
    const rows = Array.from({ length: 2000 }, (_, block) => {
      const born = bornAt(block)
      if (block % 50 === 0) late = random.below(1200) - 600
      const age = random.chance(0.5) ? 300 : 20_000
      return { block, born, age, freed: Math.max(0, born + age + late) }
    })
    const lifetimes = new Lifetimes()
    const events = [
      ...rows.map(({ born, block }) => ({ time: born, block, age: -1 })),
      ...rows.map(({ freed, age }) => ({ time: freed, block: -1, age })),
    ].sort((a, b) => a.time - b.time)
    const frees: { time: number; age: number }[] = []
    for (const { time, block, age } of events)
      if (age < 0) lifetimes.born(0, block, time, true)
      else {
        lifetimes.freed(0, time, age)
        frees.push({ time, age })
      }
    return { lifetimes, frees }
  }
  test('what is too young is made up for by what is too old', () => {
    const lifetimes = new Lifetimes()
    for (let block = 0; block < 2000; block++) lifetimes.born(0, block, block < 1000 ? 0 : 1000, true)
    for (let free = 0; free < 1000; free++) lifetimes.freed(0, 1100, 590)
    const young = () =>
      Array.from({ length: 1000 }, (_, free) => lifetimes.blockOf(free)!).filter((block) => block >= 1000)
    // An age of 100 is nearer to 590 than one of 1100 is.
    expect(young().length).toBe(1000)
    lifetimes.settle(randomOf(1, 'settle'))
    // Sum of squares over log(age): 0.77 x² + 0.27 (1000 − x)² is least at 260; it stops where a round gains little.
    expect(young().length).toBeLessThan(900)
    expect(young().length).toBeGreaterThan(250)
  })

  test('no block is freed twice, or before it is born', () => {
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const { lifetimes, frees } = shuffled(seed)
        lifetimes.settle(randomOf(seed, 'settle'))
        const given = frees.flatMap(({ time }, free) => {
          const block = lifetimes.blockOf(free)
          if (block !== undefined) expect(bornAt(block)).toBeLessThanOrEqual(time)
          return block ?? []
        })
        expect(new Set(given).size).toBe(given.length)
      }),
      { numRuns: 10 },
    )
  })
})

test('blocks of time change places only with such as leave the lists alike', () => {
  const builder = new DemandBuilder()
  const task = builder.task(1, 'task')
  // Of each ten moments nine allocate 10 pages, the tenth 1000.
  const cuts: number[] = []
  let rows = 0
  for (let moment = 0; moment < 200; moment++) {
    cuts.push(rows)
    const pages = moment % 10 === 9 ? 1000 : 10
    for (let page = 0; page < pages; page++, rows++)
      builder.push({ time: moment * 1e6 + page, ask: Ask.alloc, cpu: 0, task, block: builder.newBlock() })
  }
  const flows = flowsOf(builder.finish(), [...cuts, rows])
  expect(flows[9]).toEqual(Int32Array.of(-1000, 1000))
  const natural = flows.map((_, place) => place)
  const order = reordered(natural, flows, 3, randomOf(1, 'order'))
  expect([...order].sort((a, b) => a - b)).toEqual(natural)
  expect(order).not.toEqual(natural)
  order.forEach((block, place) => {
    expect(Math.abs(block - place)).toBeLessThanOrEqual(6)
  })
  // A block that has waited comes in any case: hence not everywhere.
  let off = 0
  const alike = order.filter((block, place) => {
    off += flows[block]![0]! - flows[place]![0]!
    return Math.abs(off) <= 64
  })
  expect(alike.length).toBeGreaterThan(order.length * 0.9)
})

describe('like', () => {
  const params = likeParams.parse({ blockMs: 2 })
  const source = (seed: number): Demand => {
    const churn = workloads.find(({ id }) => id === 'page-churn')!
    const made = churn.create(churn.params.parse({ seconds: 0.1 }), { seed, release })
    return made.demand!
  }
  const count = (demand: Demand) => {
    const counts = new Map<string, number>()
    for (let row = demand.start; row < demand.length; row++) {
      const key = `${demand.ask[row]} cpu ${demand.cpu[row]} order ${demand.order[row]}`
      counts.set(key, (counts.get(key) ?? 0) + 1)
    }
    return [...counts].sort()
  }

  test('a copy as long as its source does everything as often, at other times', () => {
    const before = source(1)
    const after = like(before, params, randomOf(5, 'like'))
    expect(brokenRows(after)).toEqual([])
    expect(count(after)).toEqual(count(before))
    const at = after.time.slice(after.start)
    expect(at).not.toEqual(before.time.slice(before.start))
    expect(like(before, params, randomOf(5, 'like'))).toEqual(after)
    expect(like(before, params, randomOf(6, 'like')).time).not.toEqual(after.time)
  })

  test('a longer copy repeats each block equally often, a shorter one leaves some out', () => {
    const before = source(1)
    const rows = before.length - before.start
    for (const factor of [0.5, 3]) {
      const after = like(before, { ...params, seconds: 0.1 * factor }, randomOf(5, 'like'))
      expect(brokenRows(after)).toEqual([])
      expect((after.length - after.start) / rows).toBeGreaterThan(factor * 0.85)
      expect((after.length - after.start) / rows).toBeLessThan(factor * 1.15)
    }
  })

  test('kswapd balances in the copy about as long as in the source', () => {
    const builder = new DemandBuilder()
    const kswapd = builder.task(50, 'kswapd0')
    const reader = builder.task(7, 'read')
    for (let round = 0; round < 100; round++) {
      const time = round * 1e6
      builder.push({ time, ask: Ask.alloc, cpu: 0, task: reader, block: round })
      if (round % 20 === 10) builder.push({ time: time + 1, ask: Ask.kswapdWake, cpu: 1, task: kswapd })
      if (round % 20 >= 10) builder.push({ time: time + 2, ask: Ask.free, cpu: 1, task: kswapd, block: round })
      if (round % 20 === 19) builder.push({ time: time + 3, ask: Ask.kswapdSleep, cpu: 1, task: kswapd })
    }
    const balanced = ({ ask, time, start, length }: Demand): number => {
      let [sum, woken] = [0, -1]
      for (let row = start; row < length; row++) {
        if (ask[row] === Ask.kswapdWake && woken < 0) woken = time[row]!
        if (ask[row] === Ask.kswapdSleep && woken >= 0) {
          sum += time[row]! - woken
          woken = -1
        }
      }
      return sum
    }
    const before = builder.finish()
    const after = balanced(like(before, params, randomOf(1, 'like')))
    expect(after).toBeGreaterThan(balanced(before) * 0.8)
    expect(after).toBeLessThan(balanced(before) * 1.2)
  })
})
