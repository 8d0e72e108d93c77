import { beforeAll, describe, expect, test } from 'vitest'
import type { Recording } from '#events'
import { choosePolicy } from '#policies'
import { slabPolicies } from '#policies/slab'
import { readCapture } from '#readers'
import { type SlabFidelity, slabFidelity } from './index.ts'

const cacheOf = ({ caches }: SlabFidelity, name: string) => caches.find(({ cache }) => cache === name)!

describe('slab-6.12-paths: CPU slabs and partial lists', () => {
  let recording: Recording
  let found: SlabFidelity
  beforeAll(async () => {
    recording = await readCapture('traces/slab-6.12-paths')
    found = slabFidelity(recording)
  })

  test('slow paths, slabs made and given back are as recorded, without any correction', () => {
    expect(found.policy).toBe('slab/cpu-partial')
    expect(cacheOf(found, 'shmem_inode_cache').paths).toEqual({
      allocSlowPaths: { recorded: 256, predicted: 256 },
      slabFrees: { recorded: 4956, predicted: 4956 },
      slabsAllocated: { recorded: 79, predicted: 79 },
      slabsFreed: { recorded: 69, predicted: 69 },
    })
    const within = found.caches.filter((cache) => cache.within === true).map(({ cache }) => cache)
    expect(within).toEqual(['vm_area_struct', 'shmem_inode_cache', 'anon_vma', 'radix_tree_node', 'task_struct'])
  })

  test('what no event shows is named: maple nodes are freed in bulk', () => {
    const nodes = cacheOf(found, 'kmalloc-256')
    expect(nodes.unseenFrees).toBeGreaterThan(100)
    expect(new Set(nodes.misses.map(({ cause }) => cause))).toEqual(new Set(['unseen-frees']))
  })

  test('events and SLUB_STATS agree where the reading of the counters uses no object', () => {
    const agree = found.caches.filter(({ counters }) => counters?.agree === true)
    expect(agree.map(({ cache }) => cache)).toEqual(['shmem_inode_cache'])
    for (const { counters } of found.caches)
      if (counters?.agree === false) expect(counters.because).toMatch(/counters run on|bulk|no event/)
  })

  test.each(['cpuPartial=12', 'cpuPartial=0', 'cpuPartial=600', 'minPartial=40', 'limitIn=objects'])(
    'another %s is found out',
    (param) => {
      const other = slabFidelity(recording, choosePolicy('slab', slabPolicies, `slab/cpu-partial{${param}}`))
      const sum = ({ scores }: SlabFidelity) => scores.slabSlowPaths! + scores.slabPages!
      expect(sum(other)).toBeLessThan(sum(found) - 0.01)
    },
  )
})

describe('slab-7.2-paths: sheaves and barns', () => {
  let recording: Recording
  let found: SlabFidelity
  beforeAll(async () => {
    recording = await readCapture('traces/slab-7.2-paths')
    found = slabFidelity(recording)
  })

  test('empty and full sheaves are replaced as often as recorded', () => {
    expect(found.policy).toBe('slab/sheaves')
    const replaced = (name: string) => {
      const { allocSlowPaths, freeSlowPaths } = cacheOf(found, name).paths
      return [allocSlowPaths, freeSlowPaths]
    }
    expect(replaced('kmalloc-64')).toEqual([
      { recorded: 243, predicted: 243 },
      { recorded: 243, predicted: 243 },
    ])
    expect(replaced('anon_vma')).toEqual([
      { recorded: 59, predicted: 59 },
      { recorded: 58, predicted: 58 },
    ])
  })

  test('maple nodes come out of sheaves that are filled beforehand', () => {
    const { paths, misses } = cacheOf(found, 'maple_node')
    const near = (of: keyof typeof paths, share: number) => {
      const { recorded, predicted } = paths[of]!
      expect(Math.abs(predicted - recorded)).toBeLessThanOrEqual(share * recorded)
    }
    near('allocSlowPaths', 0.1)
    near('slabFrees', 0.05)
    near('slabsAllocated', 0.05)
    expect(new Set(misses.map(({ cause }) => cause))).toEqual(new Set(['prefilled']))
  })

  test('sheaves and barns are used as often as SLUB_STATS counted', () => {
    expect(cacheOf(found, 'shmem_inode_cache').stats).toEqual([
      { what: 'barn_get', recorded: 39, predicted: 39 },
      { what: 'barn_get_fail', recorded: 17, predicted: 17 },
      { what: 'barn_put', recorded: 44, predicted: 44 },
      { what: 'barn_put_fail', recorded: 10, predicted: 10 },
      { what: 'sheaf_refill', recorded: 476, predicted: 476 },
      { what: 'sheaf_flush', recorded: 280, predicted: 280 },
      { what: 'sheaf_prefill_fast', recorded: 0, predicted: 0 },
    ])
    expect(cacheOf(found, 'maple_node').stats).toBeUndefined()
  })

  test.each(['capacity=16', 'capacity=60', 'maxFull=2', 'maxFull=40', 'minPartial=0,maxFull=2'])(
    'another %s is found out',
    (params) => {
      const other = slabFidelity(recording, choosePolicy('slab', slabPolicies, `slab/sheaves{${params}}`))
      const apart = ({ caches }: SlabFidelity) =>
        caches
          .flatMap(({ paths }) => Object.values(paths))
          .reduce((sum, of) => sum + Math.abs((of?.predicted ?? 0) - (of?.recorded ?? 0)), 0)
      expect(apart(other)).toBeGreaterThan(apart(found) + 10)
    },
  )
})
