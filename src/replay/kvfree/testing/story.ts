import { RcuSequences } from '#kernel/rcu'
import { choosePolicy } from '#policies'
import { kvfreePolicies } from '#policies/kvfree'
import { RecordedGracePeriods } from '../../../sim/grace-periods/index.ts'
import { ColumnArrivals, DelayedExecutor, ideal, KvfreeEngine, type KvfreeResult } from '../index.ts'

export const MS = 1e6

/** `n` calls at one moment. */
export interface Group {
  readonly ms: number
  readonly n: number
  readonly single?: boolean
  /** Index into `CACHES`. */
  readonly cache?: number
}

/** Bytes of one object, by cache. */
export const CACHES = [32, 256, 1024] as const

export interface Stage {
  readonly endMs?: number
  /** Whether the page allocator has pages at all. */
  readonly pages?: boolean
  /** Spare pages that the CPU begins with. */
  readonly cached?: number
  readonly pageLists?: { readonly pcpHigh: number; readonly pcpBatch: number }
  /** Start and end of grace periods, ms; else back to back, 5 ms each. */
  readonly gracePeriods?: readonly (readonly [number, number])[]
  /** Barriers, ms. */
  readonly barriers?: readonly number[]
}

/** The reference's machine: HZ=1000, one CPU, no latency anywhere. */
export function story(id: string, groups: readonly Group[], stage: Stage = {}): KvfreeResult {
  const { endMs = 6000, pages = true, cached = 5, pageLists = { pcpHigh: 378, pcpBatch: 63 } } = stage
  const { gracePeriods = Array.from({ length: Math.ceil(endMs / 5) }, (_, k) => [5 * k, 5 * k + 5] as const) } = stage
  const { policy, params } = choosePolicy('kvfree', kvfreePolicies, id)
  const all = groups.flatMap(({ ms, n, single = false, cache = 0 }) =>
    Array.from({ length: n }, () => ({ ms, single, cache })),
  )
  const intervals = gracePeriods.map(([start, end]) => ({ expedited: false, start: start * MS, end: end * MS }))
  const engine = new KvfreeEngine(
    {
      cpus: 1,
      hz: 1000,
      start: 0,
      end: endMs * MS,
      steps: 0,
      pageLists,
      arrivals: new ColumnArrivals(
        [
          {
            time: Float64Array.from(all, ({ ms }) => ms * MS),
            single: Uint8Array.from(all, ({ single }) => Number(single)),
            kind: Uint8Array.from(all, ({ cache }) => cache),
          },
        ],
        CACHES.map((bytes, cache) => ({ channel: 0, bytes, cache })),
      ),
      gracePeriods: new RecordedGracePeriods({ intervals, first: new RcuSequences(0) }),
      executor: (clock) => new DelayedExecutor(clock, ideal),
      allocatePage: () => pages,
      pagesAtStart: [cached],
      outside: (stage.barriers ?? []).map((ms) => ({ time: ms * MS, cpu: 0, what: 'barrier' as const })),
    },
    policy,
    params,
  )
  return engine.run()
}

/** `"20: 5 10, 30: 7"`: what was freed when (ms), page by page. */
export function freesOf({ ledger: { frees } }: KvfreeResult): string {
  const at = new Map<number, number[]>()
  for (let row = 0; row < frees.length; row++) {
    const ms = frees.time[row]! / MS
    at.set(ms, [...(at.get(ms) ?? []), frees.n[row]!])
  }
  return [...at].map(([ms, ns]) => `${ms}: ${ns.join(' ')}`).join(', ')
}
