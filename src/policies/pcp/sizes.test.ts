import { expect, test } from 'vitest'
import { type Machine, parseRelease, unknownMachine, type Zone } from '#kernel'
import { highFraction, sizes61, sizes510, sizesTuned, zoneBatchsize } from './sizes.ts'

const cpus = [0, 1, 2, 3]

interface Wish {
  readonly node?: number
  readonly low?: number
  readonly boost?: number
  readonly managed?: number
  readonly highs?: readonly number[]
}

const zoneOf = ({ node = 0, low = 14_058, boost = 0, managed = 502_214, highs = [] }: Wish = {}): Zone => ({
  node,
  name: 'DMA32',
  startPfn: 4096,
  spanned: managed,
  present: managed,
  managed,
  free: managed,
  min: low - 100 + boost,
  low: low + boost,
  high: low + 100 + boost,
  boost,
  pagesets: highs.map((high, cpu) => ({ cpu, count: 0, high, batch: 63 })),
})

/** Two nodes: 0 has CPUs 0 and 1, 1 has CPUs 2 and 3, 2 has memory alone. */
const machineOf = (
  release: string,
  zones: readonly Zone[],
  sysctls: Readonly<Record<string, string>> = {},
): Machine => ({
  ...unknownMachine,
  release: parseRelease(release)!,
  cpus,
  nodes: [
    { node: 0, cpus: [0, 1] },
    { node: 1, cpus: [2, 3] },
    { node: 2, cpus: [] },
  ],
  zones,
  sysctls,
})

const sizesOn = (
  release: string,
  rules: typeof sizes61,
  wish: Wish,
  sysctls: Readonly<Record<string, string>> = {},
) => {
  const zone = zoneOf(wish)
  return rules({ machine: machineOf(release, [zone], sysctls), zone, cpu: 0 })
}

test('the CPUs of the zone’s node share the low watermark; all CPUs where the node has none', () => {
  expect(sizesOn('7.2.1', sizes61, {}).high).toBe(7029)
  expect(sizesOn('7.2.1', sizes61, { node: 2 }).high).toBe(3514)
  expect(sizesOn('6.1.192', sizesTuned, {})).toMatchObject({ highMin: 7029, highMax: 31_388, batch: 63 })
})

test('the watermark boost is no part of it', () => {
  expect(sizesOn('6.1.192', sizesTuned, { boost: 4000 })).toEqual(sizesOn('6.1.192', sizesTuned, {}))
})

test('percpu_pagelist_high_fraction: that share of the zone, and no tuning', () => {
  const fraction = { 'vm.percpu_pagelist_high_fraction': '64' }
  const high = Math.trunc(Math.trunc(502_214 / 64) / 2)
  expect(sizesOn('6.12.107', sizesTuned, {}, fraction)).toMatchObject({ highMin: high, highMax: high })
  expect(sizesOn('6.12.107', sizes61, {}, fraction).high).toBe(high)
  expect(sizesOn('6.12.107', sizesTuned, {}, { 'vm.percpu_pagelist_high_fraction': '0' }).highMin).toBe(7029)
})

test('without the settings zoneinfo shows a fraction: one `high` on all CPUs, in all zones, that only it gives', () => {
  const high = Math.trunc(Math.trunc(502_214 / 64) / 2)
  const shown = (...zones: readonly Zone[]) => highFraction(machineOf('6.12.107', zones))
  expect(shown(zoneOf({ highs: [high, high, high, high] }))).toBe(64)
  expect(
    shown(
      zoneOf({ highs: [high, high, high, high] }),
      zoneOf({ node: 1, managed: 100_000, highs: [781, 781, 781, 781] }),
    ),
  ).toBe(64)
  // The least that tuning allows, tuned lists, another fraction elsewhere, and lists that nobody used.
  expect(shown(zoneOf({ highs: [7029, 7029, 7029, 7029] }))).toBe(0)
  expect(shown(zoneOf({ highs: [high, high + 63, high, high] }))).toBe(0)
  expect(shown(zoneOf({ highs: [high, high, high, high] }), zoneOf({ node: 1, highs: [7029, 7029, 7029, 7029] }))).toBe(
    0,
  )
  expect(shown(zoneOf({ highs: [0, 0, 0, high] }))).toBe(0)
  expect(highFraction(machineOf('5.10.223', [zoneOf({ highs: [high, high, high, high] })]))).toBe(0)
})

test('what zoneinfo printed holds for rules that size lists in the same way, and for no others', () => {
  const highs = [4000, 4000, 4000, 4000]
  expect(sizesOn('5.15.3', sizes61, { highs }).high).toBe(4000)
  expect(sizesOn('6.6.50', sizes61, { highs }).high).toBe(4000)
  expect(sizesOn('6.8.1', sizes61, { highs }).high).not.toBe(4000)
  expect(sizesOn('6.18.15', sizesTuned, { highs }).high).toBe(4000)
  expect(sizesOn('6.1.1', sizesTuned, { highs }).high).toBe(7029)
  expect(sizesOn('5.10.223', sizes510, { highs }).high).toBe(4000)
  expect(sizesOn('5.14.0', sizes510, { highs }).high).toBe(6 * 63)
})

test('percpu_pagelist_fraction of 5.10: that share of the zone, a quarter of it per batch, at most 96', () => {
  expect(sizesOn('6.1.1', sizes510, {}, { 'vm.percpu_pagelist_fraction': '8' })).toMatchObject({
    high: 62_776,
    batch: 96,
  })
})

test('larger pages make smaller batches', () => {
  expect([4096, 16_384, 65_536].map((pageSize) => zoneBatchsize(1e7, pageSize))).toEqual([63, 15, 3])
})
