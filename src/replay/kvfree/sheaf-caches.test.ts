import { expect, test } from 'vitest'
import type { TraceEvent } from '#events'
import { recordingOf } from '../testing/story.ts'
import { kvfreeRecord, ownKvfree, replayKvfree } from './replay.ts'

const MS = 1e6
const A = 0xffff_8880_0100_0000n
const B = 0xffff_8880_0100_0100n

/** Objects of 64 bytes go in turns to two caches of one size; `probed`: a probe says which. */
function twoCaches(n: number, probed: boolean, more: readonly TraceEvent[] = []) {
  const events = Array.from({ length: n }, (_, k): TraceEvent[] => {
    const [cache, page] = k % 2 === 0 ? [A, 0xffff_8880_0200_0000n] : [B, 0xffff_8880_0300_0000n]
    const object = page + BigInt(k >> 1) * 64n
    const time = (1 + k * 0.001) * MS
    const call: TraceEvent = { event: 'kvfree_call_rcu', time, cpu: 0, head: object + 16n, arg: object }
    const recordedAs = '__kfree_rcu_sheaf'
    return probed ? [call, { event: 'slab_slow_path', time: time + 100, cpu: 0, cache, object, recordedAs }] : [call]
  }).flat()
  const gp = (ms: number, gpevent: string): TraceEvent => {
    return { event: 'rcu_grace_period', time: ms * MS, cpu: 0, rcuname: 'rcu_preempt', gpSeq: 1, gpevent }
  }
  const all = [...events, ...more, gp(20, 'start'), gp(30, 'end')].sort((a, b) => a.time - b.time)
  const record = kvfreeRecord(recordingOf(all, { release: '7.2.13', cpus: 1 }))
  const own = ownKvfree(recordingOf([], { release: '7.2.13' }).machine)
  const { frees } = replayKvfree({ ...record, end: 60 * MS }, own, { works: 'generated' }).result.ledger
  return { record, freed: [...frees.n.subarray(0, frees.length)] }
}

test('a probe on __kfree_rcu_sheaf() tells caches of one size apart: each has a sheaf of its own', () => {
  // Without it the first 60 of 64 fill one sheaf.
  expect(twoCaches(64, false).freed).toEqual([60])
  expect(twoCaches(64, true).freed).toEqual([])
  expect(twoCaches(120, true).freed).toEqual([60, 60])
})

test('the size of a cache is the distance of its neighbours; what passes no sheaf goes on a page', () => {
  const stray: TraceEvent = { event: 'kvfree_call_rcu', time: 2 * MS, cpu: 0, head: 0n, arg: 0xffff_8880_0400_0000n }
  const { cpus, kinds } = twoCaches(4, true, [stray]).record.calls
  const [first, second, , , last] = [...cpus[0]!.kind].map((kind) => kinds[kind]!)
  expect([first, second]).toMatchObject([{ bytes: 64 }, { bytes: 64 }])
  expect(first!.cache).not.toBe(second!.cache)
  expect(last!.cache).toBe(-1)
})

test('a barrier on one cache lets its sheaf go, and leaves the other’s', () => {
  const barrier = (ptr: bigint): TraceEvent => {
    return { event: 'rcu_probe', time: 10 * MS, cpu: 0, ptr, recordedAs: 'kvfree_rcu_barrier_on_cache' }
  }
  expect(twoCaches(21, true, [barrier(A)]).freed).toEqual([11])
  expect(twoCaches(21, true, [barrier(B)]).freed).toEqual([10])
  expect(twoCaches(21, true, [barrier(A + 0x1000n)]).freed).toEqual([])
})

test.each([true, false])(
  'a cache’s own capacity is what fills its sheaves, from the first full one on; its probe set: %s',
  (probed) => {
    // Maple nodes ask for 32: their size would say 28.
    const events = Array.from({ length: 150 }, (_, k): TraceEvent[] => {
      const object = 0xffff_8880_0200_0000n + BigInt(k) * 256n
      const time = (1 + k * 0.001) * MS
      const full: TraceEvent = {
        event: 'rcu_callback',
        time: time + 200,
        cpu: 0,
        rcuname: '',
        rhp: object,
        func: 'rcu_free_sheaf',
        qlen: 0,
      }
      const recordedAs = '__kfree_rcu_sheaf'
      const path: TraceEvent = { event: 'slab_slow_path', time: time + 100, cpu: 0, cache: A, object, recordedAs }
      return [
        { event: 'kvfree_call_rcu', time, cpu: 0, head: 0n, arg: object },
        ...(probed ? [path] : []),
        ...(k % 32 === 5 ? [full] : []),
      ]
    }).flat()
    const periods = [0, 1].flatMap((k): TraceEvent[] =>
      [2 + 4 * k, 5 + 4 * k].map((ms, end): TraceEvent => {
        const gpevent = end === 0 ? 'start' : 'end'
        return { event: 'rcu_grace_period', time: ms * MS, cpu: 0, rcuname: '', gpSeq: 4 * k + 1, gpevent }
      }),
    )
    const { machine, ...recording } = recordingOf([...events, ...periods], { release: '7.2.13', cpus: 1 })
    const record = kvfreeRecord({ machine, ...recording })
    expect(record.calls.kinds.map(({ bytes, sheaf, firstSheaf }) => [bytes, sheaf, firstSheaf])).toContainEqual([
      256,
      32,
      [6],
    ])
    // The sheaf held 26 objects when the trace began: its first callback frees 6 of the trace's.
    const { frees } = replayKvfree({ ...record, end: 60 * MS }, ownKvfree(machine), { works: 'generated' }).result
      .ledger
    expect([...frees.n.subarray(0, frees.length)]).toEqual([6, 32, 32, 32, 32])
  },
)
