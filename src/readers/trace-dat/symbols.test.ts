import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Symbols } from './symbols.ts'

test('a symbol is the nearest below, wherever modules stand in the text and however many share an address', () => {
  const line = fc.record({ at: fc.nat(40), module: fc.boolean() })
  fc.assert(
    fc.property(fc.array(line, { maxLength: 30 }), fc.nat(60), (lines, asked) => {
      const base = 0xffff_ffff_8100_0000n
      const text = lines
        .map(({ at, module }, row) => `${(base + BigInt(at)).toString(16)} t f${row}${module ? '\t[m]' : ''}\n`)
        .join('')
      const symbols = new Symbols(() => Buffer.from(text))
      const below = lines.reduce((best, { at }) => (at <= asked && at > best ? at : best), -1)
      const row = lines.findIndex(({ at }) => at === below)
      const offset = asked - below === 0 ? '' : `+0x${(asked - below).toString(16)}`
      const expected =
        row < 0 ? `0x${(base + BigInt(asked)).toString(16)}` : `f${row}${offset}${lines[row]!.module ? ' [m]' : ''}`
      expect(symbols.name(base + BigInt(asked))).toBe(expected)
    }),
    { numRuns: 500 },
  )
})

test('lines of any length, and text that is no symbol at all', () => {
  const symbols = new Symbols(() => Buffer.from('1 T a\n3 T b\n\nno symbol\n5 T c\nffffffffffffffff T last'))
  expect([1n, 2n, 4n, 6n, 0xffff_ffff_ffff_ffffn].map((at) => symbols.name(at))).toEqual([
    'a',
    'a+0x1',
    'b+0x1',
    'c+0x1',
    'last',
  ])
})
