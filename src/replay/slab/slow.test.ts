import { describe, expect, test } from 'vitest'
import { type Random, randomOf } from '#kernel/numbers'
import { choosePolicy } from '#policies'
import { type SlabShape, slabPolicies } from '#policies/slab'
import { type SlabMachine, SlabStore } from './slabs.ts'
import { SlowCpuPartial, SlowNone, type SlowSetting, SlowSheaves, type SlowSlab } from './testing/slow.ts'

interface Slow {
  readonly counts: object
  readonly slabs: number
  alloc(cpu: number): SlowSlab
  free(cpu: number, slab: SlowSlab): void
  freeRcu?(cpu: number, slab: SlowSlab): void
  prefill?(cpu: number, objects: number): void
  allocPrefilled?(cpu: number): SlowSlab
  returnPrefilled?(cpu: number): void
  held(): number
  readonly waiting?: (() => void)[]
}

/** From one to the other, both included. */
const between = (random: Random, from: number, to: number): number => from + random.below(to - from + 1)

const shapeOf = (random: Random): SlabShape => ({
  name: 'things',
  size: 64,
  order: 0,
  perSlab: between(random, 1, 9),
  minPartial: between(random, 0, 4),
  cpuPartial: between(random, 0, 20),
  sheafCapacity: between(random, 1, 8),
})

/** One random stream through both; they must agree after every operation. */
function agree(seed: number, policy: string, slowOf: (setting: SlowSetting) => Slow): void {
  const random = randomOf(seed, policy)
  const cpus = between(random, 1, 4)
  const nodes = between(random, 1, 2)
  const nodeOf = Uint8Array.from({ length: cpus }, () => between(random, 0, nodes - 1))
  const shape = shapeOf(random)
  const waiting: (() => void)[] = []
  const machine: SlabMachine = { cpus, nodes, nodeOf, callRcu: (_cpu, invoke) => waiting.push(invoke) }
  const store = new SlabStore(shape, machine)
  const choice = choosePolicy('slab', slabPolicies, policy)
  const fast = choice.policy.create(choice.params, store)
  const slow = slowOf({ shape, cpus, nodeOf: [...nodeOf, nodes - 1] })
  const objects: { fast: number; slow: SlowSlab }[] = []
  const sum = (column: Int32Array) => column.reduce((a, b) => a + b, 0)
  for (let step = 0; step < 400; step++) {
    const cpu = between(random, 0, cpus - 1)
    const what = between(random, 0, 99)
    const rises = Math.floor(step / 60) % 2 === 0
    if (what >= 95 && rises && fast.prefill !== undefined) {
      const asked = between(random, 1, 10)
      fast.prefill(cpu, asked)
      slow.prefill!(cpu, asked)
      for (let taken = between(random, 0, asked); taken > 0; taken--)
        objects.push({ fast: fast.allocPrefilled!(cpu), slow: slow.allocPrefilled!(cpu) })
      fast.returnPrefilled!(cpu)
      slow.returnPrefilled!(cpu)
    } else if (objects.length === 0 || what < (rises ? 60 : 35))
      objects.push({ fast: fast.alloc(cpu), slow: slow.alloc(cpu) })
    else if (what < 97) {
      const [object] = objects.splice(between(random, 0, objects.length - 1), 1)
      if (what < 80 || fast.freeRcu === undefined) {
        fast.free(cpu, object!.fast)
        slow.free(cpu, object!.slow)
      } else {
        fast.freeRcu(cpu, object!.fast)
        slow.freeRcu!(cpu, object!.slow)
      }
    } else {
      waiting.shift()?.()
      slow.waiting?.shift()?.()
    }
    expect({ step, ...store.counts }).toEqual({ step, ...slow.counts })
    expect([step, store.slabs]).toEqual([step, slow.slabs])
    expect([step, sum(store.cached) + sum(store.inBarn)]).toEqual([step, slow.held()])
  }
  // Whoever has an object, its slab has it in use: what is free plus what somebody has is all there is.
  const used = objects.length + sum(store.rcuHeld)
  expect(store.slabs * shape.perSlab).toBeGreaterThanOrEqual(used)
}

const streams = Array.from({ length: 40 }, (_, seed) => seed + 1)

describe('the fast replay and the slow, obvious one agree on random streams', () => {
  test('slab/none', () => {
    for (const seed of streams) agree(seed, 'slab/none', (setting) => new SlowNone(setting))
  })
  test('slab/cpu-partial, limited in slabs', () => {
    for (const seed of streams) agree(seed, 'slab/cpu-partial', (setting) => new SlowCpuPartial(setting, false))
  })
  test('slab/cpu-partial, limited in objects', () => {
    for (const seed of streams)
      agree(seed, 'slab/cpu-partial{limitIn=objects}', (setting) => new SlowCpuPartial(setting, true))
  })
  test('slab/sheaves', () => {
    for (const seed of streams)
      for (const remainder of ['list', 'free'])
        agree(seed, `slab/sheaves{maxFull=${seed % 4},maxEmpty=${seed % 3},remainder=${remainder}}`, (setting) => {
          return new SlowSheaves(setting, seed % 4, seed % 3, remainder === 'list')
        })
  })
})
