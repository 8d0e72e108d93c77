import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { EventBuilder, Kind, type Recording } from '#events'
import { Ask } from '#events/demand'
import { choosePcp, shipped } from '#policies'
import { type Route, routeSchema } from '#policies/pcp'
import { infer } from '../estimate/inferred.ts'
import { whatIfOf } from '../estimate/what-if.ts'
import { scriptOf } from '../record/script-of.ts'
import { waysOf } from './routes.ts'
import { runPolicy } from './run.ts'
import { machine } from './testing/story.ts'

interface Life {
  readonly verb: 'alloc' | 'free'
  readonly page: number
  readonly comm?: string
  readonly cpu?: number
  readonly order?: number
  readonly type?: number
  readonly gfp?: number
}

function recordingOf(lives: readonly Life[], release = '6.1.100'): Recording {
  const builder = new EventBuilder()
  lives.forEach(({ verb, page, comm = 'init', cpu = 0, order = 0, type = 1, gfp = 0 }, at) => {
    const kind = verb === 'alloc' ? 'mm_page_alloc' : 'mm_page_free'
    const table = builder.tables[kind]
    const slot = table.push()
    const columns = table.column as Record<string, { data: { [slot: number]: number | bigint } }>
    columns.pfn!.data[slot] = 1024 * (type + 1) + page * 16
    columns.order!.data[slot] = order
    if (verb === 'alloc') {
      columns.migratetype!.data[slot] = type
      columns.gfpFlags!.data[slot] = gfp
    }
    builder.add((at + 1) * 1000, cpu, 1, builder.strings.add(comm), 0, Kind[kind], slot)
  })
  return {
    name: 'routes',
    format: 'story',
    resolutionNs: 1,
    events: builder.finish(),
    machine: machine({ release }),
    tally: [],
  }
}

const routeOf = (...rules: Route['rules']): Route => routeSchema.parse({ schema: 'kreplay.route/1', id: 'way', rules })

function run(lives: readonly Life[], route: Route, id = 'pcp/linux-6.1{route=way}') {
  const recording = recordingOf(lives)
  const whatIf = whatIfOf(infer(scriptOf(recording, { sources: true })), recording.events)
  const ways = waysOf(whatIf, route)
  const choice = choosePcp(id, '6.1', {}, { ...shipped, routes: [route] })
  const { ask } = whatIf.demand
  const ofRows = [...ways].filter((_, row) => ask[row] === Ask.alloc || ask[row] === Ask.free)
  return { ways: ofRows, ...runPolicy(whatIf, choice, { ways }) }
}

const lives: Life[] = [
  { verb: 'alloc', page: 0, comm: 'kworker/0:1', gfp: 0xa20 },
  { verb: 'alloc', page: 1, comm: 'bash', gfp: 0xcc0, order: 1, cpu: 1 },
  { verb: 'free', page: 0, comm: 'kworker/1:2' },
  { verb: 'free', page: 1, comm: 'bash', order: 1 },
  { verb: 'alloc', page: 2, comm: 'kswapd0', type: 0 },
]

describe('a rule', () => {
  test.each([
    [{ order: [1] }, [0, 1, 0, 1, 0]],
    [{ cpu: [1] }, [0, 1, 0, 0, 0]],
    [{ migratetype: ['unmovable'] }, [0, 0, 0, 0, 1]],
    [{ process: ['kworker/*'] }, [1, 0, 1, 0, 0]],
    [{ process: ['kworker/'] }, [0, 0, 0, 0, 0]],
    [{ process: ['bash', 'kswapd0'], on: 'alloc' }, [0, 1, 0, 0, 1]],
    [{ on: 'free' }, [0, 0, 1, 1, 0]],
    // A free has no flags.
    [{ gfp: ['GFP_ATOMIC'] }, [1, 0, 0, 0, 0]],
    [{ gfpNone: ['__GFP_ATOMIC'] }, [0, 1, 0, 0, 1]],
    [{}, [1, 1, 1, 1, 1]],
  ] as const)('%j', (when, ways) => {
    const rule = { ...structuredClone(when), to: 'buddy' } as unknown as Route['rules'][number]
    expect(run(lives, routeOf(rule)).ways).toEqual(ways)
  })

  test('holds before those after it', () => {
    const route = routeOf({ order: [1], to: { list: 'b' } }, { cpu: [0], to: 'buddy' }, { to: { list: 'c' } })
    expect(run(lives, route).ways).toEqual([1, 2, 1, 2, 1])
  })

  test('may not name flags that the recording kernel lacks', () => {
    const recording = recordingOf(lives, '6.12.1')
    const whatIf = whatIfOf(infer(scriptOf(recording, { sources: true })), recording.events)
    expect(() => waysOf(whatIf, routeOf({ gfp: ['__GFP_ATOMIC'], to: 'buddy' }))).toThrow(
      'route way: Linux 6.12 has no __GFP_ATOMIC',
    )
  })
})

test('what skips the lists takes zone->lock; what has lists of its own is not served from the others', () => {
  const churn: Life[] = [
    { verb: 'free', page: 0 },
    { verb: 'alloc', page: 1, comm: 'bash' },
    { verb: 'alloc', page: 2, comm: 'init' },
  ]
  expect(run(churn, routeOf({ process: ['bash'], to: 'buddy' })).result.work).toMatchObject({
    allocsFromBuddy: 1,
    allocsFromList: 1,
  })
  const shells = routeOf({ process: ['bash'], to: { list: 'shells' } })
  expect(run(churn.slice(0, 2), shells).result.work).toMatchObject({ allocsAfterRefill: 1, allocsFromList: 0 })
  expect(run(churn, shells).result.work).toMatchObject({ allocsAfterRefill: 1, allocsFromList: 1 })
  expect(run(churn, routeOf({ process: ['none'], to: 'buddy' })).params).toMatchObject({ route: 'way' })
})

test('rules that name the same list share it', () => {
  const churn: Life[] = [
    { verb: 'free', page: 0, comm: 'bash' },
    { verb: 'alloc', page: 1, comm: 'init' },
  ]
  const to = { list: 'shells' }
  const { work } = run(churn, routeOf({ process: ['bash'], to }, { process: ['init'], to })).result
  expect(work).toMatchObject({ allocsAfterRefill: 0, allocsFromList: 1 })
})

test('an unknown route, or one without a file, is told', () => {
  expect(() => choosePcp('pcp/linux-6.1{route=x}', '6.1')).toThrow('names a route, and there is none')
  expect(() =>
    choosePcp('pcp/linux-6.1{route=wag}', '6.1', {}, { ...shipped, routes: [routeOf({ to: 'buddy' })] }),
  ).toThrow('unknown route "wag"')
})

test('no page is made or lost, whatever lists a route adds', () => {
  const anyLives = fc
    .array(fc.tuple(fc.boolean(), fc.nat(1), fc.constantFrom('a', 'b', 'c'), fc.constantFrom(0, 0, 1, 3), fc.nat(2)), {
      maxLength: 200,
    })
    .map((steps) => {
      const live: Life[] = []
      return steps.map(([frees, cpu, comm, order, type], page): Life => {
        const old = frees ? live.shift() : undefined
        if (old !== undefined) return { ...old, verb: 'free', cpu, comm }
        const fresh: Life = { verb: 'alloc', page, cpu, comm, order, type }
        live.push(fresh)
        return fresh
      })
    })
  const route = routeOf({ process: ['a'], to: { list: 'one' } }, { cpu: [1], to: { list: 'two' } })
  const ids = ['linux-5.10', 'linux-6.1', 'linux-6.12', 'fixed'].map(
    (lists) => `pcp/${lists}{high=9,batch=4,route=way}`,
  )
  fc.assert(
    fc.property(anyLives, fc.constantFrom(...ids), (lives, id) => {
      const { result } = run(lives, route, id.replace('linux-6.12{high=9,batch=4,', 'linux-6.12{'))
      expect(result.pagesAtEnd).toBe(result.pagesExpected)
      expect([result.pagesTwice, result.pagesLost]).toEqual([0, 0])
    }),
    { numRuns: 200 },
  )
})
