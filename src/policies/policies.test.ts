import { describe, expect, test } from 'vitest'
import { type Machine, parseRelease, unknownMachine, type Zone } from '#kernel'
import { didYouMean } from '#kernel/messages'
import { choosePcp, parseValue, splitIds } from './index.ts'
import { type BulkOrder, drainPolicies, listPolicies, Pcp, pairs } from './pcp/index.ts'
import { Quota } from './pcp/lists.ts'
import { zoneBatchsize } from './pcp/sizes.ts'

const zone: Zone = {
  node: 0,
  name: 'DMA32',
  startPfn: 1,
  spanned: 196575,
  present: 196478,
  managed: 189048,
  free: 120106,
  min: 5632,
  low: 7040,
  high: 8448,
  pagesets: [],
}
const machine: Machine = {
  ...unknownMachine,
  release: parseRelease('6.12.107')!,
  cpus: [0, 1, 2, 3],
  nodes: [{ node: 0, cpus: [0, 1, 2, 3] }],
  zones: [zone],
}
const flags = { reclaimActive: false, belowHigh: false }

function made(id: string, own: Record<string, number> = {}) {
  const choice = choosePcp(id, '6.1', own)
  const rules = choice.lists.create(choice.listParams as never, { machine, zone })
  const pcp = new Pcp(choice.lists.sizes(choice.listParams as never, { machine, zone, cpu: 0 }))
  return { rules, pcp }
}

/** Which lists a bulk free of `n` order-0 pages takes from, in order. */
function taken(order: BulkOrder, lens: number[], n: number, list: number): string {
  const left = Int32Array.from(lens)
  let text = ''
  order.begin(n, list)
  for (let rest = n; rest > 0; rest--) {
    const from = order.next(left, 0, rest)
    left[from]!--
    text += 'UMR'[from] ?? '?'
  }
  return text
}

describe('test vectors of the reference (§2.9), batch 63', () => {
  test('5.10 frees one batch by turns, more from where lists are empty', () => {
    const { rules, pcp } = made('pcp/linux-5.10')
    expect(taken(rules.bulkOrder(), [0, 378, 0], 63, 1)).toBe('M'.repeat(63))
    expect(taken(rules.bulkOrder(), [200, 200, 0], 8, 1)).toBe('MUUMUUMU')
    expect(taken(rules.bulkOrder(), [200, 200, 200], 6, 1)).toBe('MRUMRU')
    pcp.count = 377
    expect(rules.nrFree(pcp, 0, flags)).toBe(0)
    pcp.count = 378
    expect(rules.nrFree(pcp, 0, flags)).toBe(63)
  })

  test('6.1 doubles bulk frees up to batch << 5, and an allocation halves them again', () => {
    const { rules, pcp } = made('pcp/linux-6.1', { high: 2901 })
    const bursts: number[] = []
    for (let burst = 0; burst < 7; burst++) {
      pcp.count = 2901
      bursts.push(rules.nrFree(pcp, 0, flags))
    }
    expect(bursts).toEqual([63, 126, 252, 504, 1008, 2016, 2016])
    rules.onAlloc(pcp)
    expect(pcp.freeFactor).toBe(2)
    pcp.count = 1004
    expect(rules.nrFree(pcp, 2, flags)).toBe(1004)
    expect(pcp.freeFactor).toBe(2)
    expect([0, 1, 2, 3, 9].map((order) => rules.nrAlloc(pcp, order, flags))).toEqual([63, 31, 15, 7, 2])
  })

  test('6.1 with a high below two batches frees what is above one batch: the upper bound wins', () => {
    const { rules, pcp } = made('pcp/linux-6.1', { high: 100, batch: 63 })
    pcp.count = 100
    expect(rules.nrFree(pcp, 0, flags)).toBe(37)
  })

  test('6.1 with another batch keeps at least four of them', () => {
    expect(made('pcp/linux-6.1', { batch: 1000 }).pcp.high).toBe(4000)
  })

  test('6.1 empties the list just freed to before it looks at the next', () => {
    const { rules } = made('pcp/linux-6.1')
    expect(taken(rules.bulkOrder(), [3, 2, 2, ...Array(11).fill(0)], 7, 1)).toBe('MMRRUUU')
  })

  test('7.2 gives back a batch at a time, so a THP may stand for a batch (measured: two THPs and 903 pages for 1029)', () => {
    const { rules, pcp } = made('pcp/linux-7.2')
    const quota = new Quota(1029, rules.freeChunk!(pcp))
    quota.take(512)
    quota.take(512)
    let pages = 0
    for (; quota.rest > 0; pages++) quota.take(1)
    expect(pages).toBe(903)
  })

  test('6.12 lowers `high` by an eighth at a vmstat tick and gives back what lies above it', () => {
    const { rules, pcp } = made('pcp/linux-6.12', { highMin: 1760, highMax: 5858 })
    pcp.high = 5858
    pcp.count = 5209
    expect(rules.onTick!(pcp)).toBe(83)
    expect(pcp.high).toBe(5126)
    pcp.count = 100
    for (let tick = 0; tick < 20; tick++) expect(rules.onTick!(pcp)).toBe(0)
    expect(pcp.high).toBe(1760)
  })

  test('6.12 doubles refills and lifts `high` with each', () => {
    const { rules, pcp } = made('pcp/linux-6.12', { highMin: 1760, highMax: 5907 })
    pcp.high = 1760
    const steps: number[][] = []
    for (let refill = 0; refill < 7; refill++) {
      const got = rules.nrAlloc(pcp, 0, flags)
      steps.push([got, pcp.high, pcp.allocFactor])
    }
    expect(steps.map(([got]) => got)).toEqual([63, 126, 252, 504, 1008, 2016, 2016])
    expect(steps.map(([, high]) => high)).toEqual([1823, 1949, 2201, 2705, 3713, 5729, 5907])
    expect(steps.map(([, , factor]) => factor)).toEqual([1, 2, 3, 4, 5, 5, 5])
  })

  test('6.12 gives back as many as were freed in a row', () => {
    const { rules, pcp } = made('pcp/linux-6.12', { highMin: 1760, highMax: 5907 })
    Object.assign(pcp, { high: 3902, count: 3902, freeCount: 1825 })
    expect(rules.nrFree(pcp, 0, flags)).toBe(1826)
  })

  test('6.12 empties the pageset at a high-order free after a run of frees', () => {
    const { rules, pcp } = made('pcp/linux-6.12', { highMin: 1760, highMax: 5907 })
    Object.assign(pcp, { high: 3902, count: 1065, freeCount: 65, prevFreeHighOrder: true })
    expect(rules.nrFree(pcp, 1, flags)).toBe(1065)
    expect(pcp.high).toBe(1886)
  })
})

test('batch by size of the zone', () => {
  const at = [176128, 22 * 4096, 21 * 4096, 10 * 4096, 5 * 4096, 2 * 4096]
  expect(at.map((managed) => zoneBatchsize(managed))).toEqual([63, 31, 15, 7, 3, 1])
})

describe('choosing by id', () => {
  test('a release is a pair, any pair runs, a bare mechanism takes the recording kernel’s lists', () => {
    const parts = (id: string) => {
      const { lists, drain } = choosePcp(id, '5.10')
      return [lists.id, drain.id]
    }
    expect(parts('pcp/linux-6.1')).toEqual(['linux-6.1', 'trylock'])
    expect(parts('linux-6.1+rcu-swap')).toEqual(['linux-6.1', 'rcu-swap'])
    expect(parts('pcp/rcu-swap')).toEqual(['linux-5.10', 'rcu-swap'])
    expect(parts('pcp/none')).toEqual(['none', 'none'])
    expect(choosePcp('pcp/fixed{high=100,batch=31}', '5.10').listParams).toEqual({ high: 100, batch: 31 })
    expect(splitIds('pcp/fixed{high=1,batch=2},pcp/none')).toEqual(['pcp/fixed{high=1,batch=2}', 'pcp/none'])
    expect(parseValue('true')).toBe(true)
  })

  test.each([
    ['pcp/linux-6.2', 'or pcp/linux-6.1 or'],
    ['pcp/trylok', 'did you mean pcp/trylock'],
    ['pcp/linux-6.1+rcuswap', 'did you mean rcu-swap'],
    ['pcp/fixed{hihg=3}', 'did you mean high'],
    ['pcp/fixed{high=0}', 'parameter high=0'],
    ['pcp/fixed{high}', 'is no parameter'],
    ['pcp/a+b+c', 'more than two parts'],
  ])('%s is refused with advice', (id, advice) => {
    expect(() => choosePcp(id, '6.1')).toThrow(advice)
  })

  test('nothing near is suggested for nonsense', () => {
    expect(didYouMean('qqqqqqqq', ['pcp/linux-6.1'])).toEqual([])
  })
})

describe('chunks, of any list rules', () => {
  const chunksOf = (id: string, set: Record<string, number | string> = {}) => {
    const { rules, pcp } = made(id, set as Record<string, number>)
    return [rules.freeChunk, rules.tickChunk, rules.drainChunk]
      .map((chunk) => chunk?.(pcp))
      .concat(rules.letsGo as never)
  }

  test('are as the rules have them, or so many pages', () => {
    expect(chunksOf('pcp/linux-6.1')).toEqual([undefined, undefined, undefined, undefined])
    expect(chunksOf('pcp/linux-6.1{chunk=63}')).toEqual([63, 63, 63, undefined])
    expect(chunksOf('pcp/fixed', { chunk: 7, letGo: 'contended' })).toEqual([7, 7, 7, 'contended'])
    expect(chunksOf('pcp/linux-7.2{letGo=contended}').at(-1)).toBe('contended')
  })

  test('are bounded, and named where they are misspelt', () => {
    expect(() => choosePcp('pcp/linux-6.1{chunk=0}', '6.1')).toThrow('chunk=0')
    expect(() => choosePcp('pcp/linux-6.1{letGo=never}', '6.1')).toThrow('letGo=never')
  })
})

test('lists that CPUs share take only mechanisms with a lock for them', () => {
  expect(choosePcp('pcp/block-owner', '6.1').drain.id).toBe('trylock')
  expect(choosePcp('pcp/block-owner+spinlock', '6.1').drain.id).toBe('spinlock')
  for (const drain of ['work', 'rcu-swap', 'no-isolated'])
    expect(() => choosePcp(`pcp/block-owner+${drain}`, '6.1')).toThrow('no lock')
})

test('every policy has a source, says what it leaves out, and documents its parameters', () => {
  for (const { id, source, leavesOut, params } of [...listPolicies, ...drainPolicies]) {
    expect([id, source.length > 5, leavesOut.length > 3]).toEqual([id, true, true])
    for (const [name, schema] of Object.entries(params.shape)) {
      const help = (schema as { meta(): { help?: string } | undefined }).meta()?.help
      expect([id, name, typeof help]).toEqual([id, name, 'string'])
    }
  }
  for (const { lists, drain } of Object.values(pairs)) {
    expect(listPolicies.some(({ id }) => id === lists)).toBe(true)
    expect(drainPolicies.some(({ id }) => id === drain)).toBe(true)
  }
})
