import { expect, test } from 'vitest'
import { lockPricesOf, publishedPrices } from '#metrics/prices'
import { choosePcp, shipped } from '#policies'
import { type ListPolicy, type Route, routeSchema } from '#policies/pcp'
import { readCapture } from '#readers'
import type { PolicyWork } from '#replay'
import { waysOf } from '#replay'
import { analyse } from '../analyse.ts'
import { runPolicies, threadsFor } from './run-policies.ts'
import { onSharedMemory } from './shared.ts'

test('threads give the same results in the same order, also beside a policy that only this thread has', async () => {
  const { whatIf } = analyse(await readCapture('traces/drain-6.1-s'), { sources: true })
  const route: Route = routeSchema.parse({
    schema: 'kreplay.route/1',
    id: 'way',
    rules: [{ process: ['kworker/*'], to: { list: 'kworkers' } }],
  })
  const fixed = shipped.lists.find(({ id }) => id === 'fixed')!
  const own: ListPolicy = { ...fixed, id: 'mine' }
  const catalogue = { ...shipped, lists: [...shipped.lists, own], routes: [route] }
  const set = { high: 300 }
  const work = ['pcp/linux-6.1', 'pcp/mine', 'pcp/rcu-swap', 'pcp/linux-6.1{route=way}', 'pcp/work'].map(
    (id): PolicyWork => {
      const choice = choosePcp(id, '6.1', set, catalogue)
      const ways = choice.route === undefined ? undefined : waysOf(whatIf, choice.route)
      return { choice, options: { isolated: [3], ways, prices: publishedPrices.slice(0, 2).map(lockPricesOf) } }
    },
  )
  const common = { whatIf, release: whatIf.machine.release, set }
  const heard: string[] = []
  const alone = await runPolicies(work, common, 1, () => {})
  const together = await runPolicies(work, common, 2, (id) => heard.push(id))
  expect(together.map(({ policy }) => policy)).toEqual(work.map(({ choice }) => choice.id))
  // Counts lose their class on the way between threads, and nothing else.
  expect(structuredClone(together)).toEqual(structuredClone(alone))
  expect(heard.toSorted()).toEqual(work.map(({ choice }) => choice.id).toSorted())
})

test('threads are started only where there is enough to replay, and no more than asked for', () => {
  const work = [1, 2, 3].map(() => ({ options: {} }) as PolicyWork)
  expect(threadsFor(work, { demand: { length: 1e7 } } as never, 8)).toBe(1)
  expect(threadsFor(work, { demand: { length: 1e9 } } as never, 8)).toBe(3)
  expect(threadsFor(work, { demand: { length: 1e9 } } as never, 2)).toBe(2)
})

test('columns go to shared memory once; the rest stays as it is', () => {
  const data = {
    column: Float64Array.of(1, 2),
    deep: [{ bytes: Uint8Array.of(3) }],
    rows: [1, 2],
    text: 'x',
    none: undefined,
  }
  const shared = onSharedMemory(data)
  expect(shared).toEqual(data)
  expect(shared.column.buffer).toBeInstanceOf(SharedArrayBuffer)
  expect(shared.deep[0]!.bytes.buffer).toBeInstanceOf(SharedArrayBuffer)
  expect(onSharedMemory(shared).column).toBe(shared.column)
})
