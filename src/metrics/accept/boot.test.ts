import fc from 'fast-check'
import { expect, test } from 'vitest'
import { bootFor, speedup } from './boot.ts'

test('a guest of 4 GiB that takes as long to accept as to boot twice over is three times as fast without', () => {
  const boot = { bootNs: 4096, mibNs: 2, cpus: 1, memoryMiB: 4096, neededMiB: 0 }
  expect(speedup(boot)).toBe(3)
  expect(bootFor(3, boot)).toBe(4096)
})

test('what must be accepted anyway limits the gain: without a boot of its own, memory ÷ needed', () => {
  const guest = { mibNs: 100, cpus: 1, memoryMiB: 4096, neededMiB: 1024 }
  expect(speedup({ ...guest, bootNs: 0 })).toBe(4)
  expect(bootFor(4, guest)).toBeUndefined()
  expect(bootFor(3.9, guest)).toBeGreaterThan(0)
})

test('a boot time that is found gives the speedup asked for', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 1.01, max: 100, noNaN: true }),
      fc.double({ min: 1, max: 1e6, noNaN: true }),
      fc.integer({ min: 1, max: 256 }),
      fc.integer({ min: 64, max: 1 << 20 }),
      fc.integer({ min: 0, max: 1024 }),
      (times, mibNs, cpus, memoryMiB, neededMiB) => {
        const guest = { mibNs, cpus, memoryMiB, neededMiB }
        const bootNs = bootFor(times, guest)
        if (bootNs === undefined) expect(memoryMiB / cpus).toBeLessThanOrEqual(times * neededMiB)
        else expect(speedup({ ...guest, bootNs })).toBeCloseTo(times, 6)
      },
    ),
  )
})
