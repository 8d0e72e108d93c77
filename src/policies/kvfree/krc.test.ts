import { expect, test } from 'vitest'
import { RcuSequences } from '#kernel/rcu'
import { Krc, type KrcRules } from './krc.ts'
import { params510, rules510 } from './linux-5.10.ts'
import { params61, rules61 } from './linux-6.1.ts'
import { params612, rules612 } from './linux-6.12.ts'
import { Channel, Held, type KvfreeHost } from './types.ts'

const HZ = 250

/** A CPU’s collector with five spare pages, and what it asked of its host. */
function collector(rules: KrcRules) {
  const asked: string[] = []
  const host = {
    hz: HZ,
    now: 0,
    counts: { shrunkObjects: 0, shrunkPages: 0 } as KvfreeHost['counts'],
    pagesAtStart: () => 5,
    isPending: () => false,
    arm: ({ kind }, _at, jiffies) => asked.push(`${kind} in ${jiffies} jiffies`),
    queue: ({ kind }) => asked.push(`${kind} now`),
    allocatePage: () => true,
    freePage: (on) => asked.push(`page freed on ${on}`),
    free: (by, held, each, then) => {
      for (const one of held) each(one, typeof by === 'number' ? by : 3)
      then()
    },
  } as Partial<KvfreeHost> as KvfreeHost
  const krc = new Krc(0, host, rules)
  /** Looks for pages, as a caller does that finds none. */
  const refill = () => {
    krc.askForPages(0)
    krc.refill.begin(() => {})
    return krc.cached
  }
  return { asked, host, krc, refill }
}

test('since 6.1 memory pressure frees the spare pages where it reclaims, and the next refill brings one, 5 s later', () => {
  const { asked, host, krc, refill } = collector(rules61(params61.parse({})))
  krc.shrink(2)
  expect(asked.splice(0)).toEqual(Array.from({ length: 5 }, () => 'page freed on 2'))
  expect([krc.cached, host.counts.shrunkPages]).toEqual([0, 5])
  expect(refill()).toBe(1)
  expect(asked.splice(0)).toEqual([`refill in ${5 * HZ} jiffies`])
  // The one after is as ever: it fills the cache, and frees the page over.
  expect(refill()).toBe(5)
  expect(asked).toEqual(['refill now', 'page freed on 0'])
})

test('5.10 keeps its spare pages', () => {
  const { asked, krc } = collector(rules510(params510.parse({})))
  krc.shrink(2)
  expect(asked).toEqual([])
  expect(krc.cached).toBe(5)
})

test('a page of pointers that the cache has no room for is freed on the CPU that freed its objects', () => {
  const { asked, krc } = collector(rules61(params61.parse({})))
  krc.free(krc.monitor, [new Held(Channel.slab, 0), new Held(Channel.list, 0)], () => {})
  expect(asked).toEqual(['page freed on 3'])
})

/** A page of one object whose grace period is over, and one object that comes while they are freed. */
test('6.12’s monitor frees what is ready before it makes a batch: what comes meanwhile is in it', () => {
  const { host, krc } = collector(rules612(params612.parse({})))
  const sequences = new RcuSequences(0)
  const freed: string[] = []
  let goOn = (): void => {}
  Object.assign(host, {
    sequences,
    counts: { readyEarly: 0, batches: 0, listFallbacks: 0 },
    moved: () => {},
    queueRcuWork: ({ kind }: { kind: string }) => freed.push(`${kind} waits`),
    free: (_by: unknown, held: readonly Held[], _each: unknown, then: () => void) => {
      freed.push(...held.map(({ n }) => `${n} freed`))
      goOn = then
    },
  })
  const calls = { cpu: 0, n: 1, channel: Channel.slab, bytes: 32, cache: 0, at: () => 0, isSingle: () => false }
  krc.enqueue(calls)
  sequences.start(false)
  sequences.end(false)
  krc.monitor.begin(() => freed.push('done'))
  expect(freed).toEqual(['1 freed'])
  krc.enqueue(calls)
  goOn()
  expect(freed).toEqual(['1 freed', 'batch waits', 'done'])
  expect(krc.count).toBe(0)
})
