import fc from 'fast-check'
import { expect, test } from 'vitest'
import { formatGfp, parseGfp } from './gfp.ts'
import { factsOf, releases } from './releases/index.ts'

const versions = ['2.6.32', '3.10', '4.4', '4.9', '4.19', '5.4', ...releases.map(({ version }) => version)]

test('law: the flags of every kernel keep their names through numbers and back', () => {
  for (const version of versions) {
    // One flag had two names over time; of flags with one bit the first is printed.
    const first = new Map(
      Object.entries(factsOf(version).gfp)
        .map(([name, bits]) => [bits, name])
        .reverse() as [number, string][],
    )
    fc.assert(
      fc.property(fc.subarray([...first]), (some) => {
        const bits = some.reduce((all, [bit]) => (all | bit) >>> 0, 0)
        const printed = formatGfp(bits, version)
        expect(printed).not.toMatch(/0x/)
        expect(parseGfp(printed, version)).toEqual({ bits, unknown: [] })
      }),
      { numRuns: 50 },
    )
  }
})

test('flags that depend on the configuration stay apart', () => {
  const names = ['GFP_KERNEL', '__GFP_NOLOCKDEP', '__GFP_NO_OBJ_EXT', '__GFP_SKIP_ZERO', '__GFP_SKIP_KASAN']
  const bits = names.map((name) => parseGfp(`GFP_KERNEL|${name}`, '6.12').bits)
  expect(new Set(bits).size).toBe(names.length)
  expect(names.map((_, at) => formatGfp(bits[at]!, '6.12'))).toEqual([
    'GFP_KERNEL',
    ...names.slice(1).map((name) => `GFP_KERNEL|${name}`),
  ])
})

test.each([
  ['2.6.32', 'GFP_KERNEL|GFP_REPEAT', 0x4d0],
  ['2.6.32', 'GFP_HIGHUSER_MOVABLE|GFP_ZERO', 0x280da],
  ['3.10', 'GFP_TRANSHUGE|GFP_NO_KSWAPD', 0x4352da],
  ['4.4', 'GFP_KERNEL|__GFP_ZERO', 0x24080c0],
  ['4.9', 'GFP_ATOMIC', 0x2080020],
  ['4.19', 'GFP_KERNEL|__GFP_RETRY_MAYFAIL', 0x14004c0],
  ['5.10', 'GFP_ATOMIC', 0xa20],
  ['6.1', 'GFP_NOWAIT', 0x800],
  ['6.6', 'GFP_ATOMIC', 0x820],
  ['6.12', 'GFP_NOWAIT', 0x2800],
  ['7.2', 'GFP_TRANSHUGE', 0x1c24ca],
])('on %s %s is that number', (version, text, bits) => {
  expect(parseGfp(text, version)).toEqual({ bits, unknown: [] })
})

test('names that no table has are given back, numbers are read', () => {
  expect(parseGfp('GFP_KERNEL|__GFP_MADE_UP|0x100', '6.1')).toEqual({ bits: 0xdc0, unknown: ['__GFP_MADE_UP'] })
})
