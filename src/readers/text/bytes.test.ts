import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ByteMemo, PADDING } from '../byte-memo.ts'
import { fourDigits, Wide } from './numbers.ts'
import { Stamp } from './stamp.ts'

const padded = (text: string): Uint8Array => Buffer.concat([Buffer.from(text), new Uint8Array(PADDING)])

test('what bytes mean is worked out once for each different text, however many there are', () => {
  const word = fc.stringMatching(/^[!-~]{1,40}$/)
  fc.assert(
    fc.property(fc.array(word, { minLength: 1, maxLength: 3000, size: 'max' }), (words) => {
      const bytes = padded(words.join(' '))
      const made: string[] = []
      const memo = new ByteMemo(bytes, (text) => made.push(text) - 1)
      for (let round = 0; round < 2; round++) {
        let from = 0
        for (const each of words) {
          const number = memo.upToBlank(from)
          expect(memo.end).toBe(from + each.length)
          expect(made[number]).toBe(each)
          expect(memo.get(from, memo.end)).toBe(number)
          from += each.length + 1
        }
      }
      expect(made.length).toBe(new Set(words).size)
    }),
    { numRuns: 40 },
  )
})

test('texts of one hash are distinguished', () => {
  // So many that some of them share all 32 bits of a hash with one that is remembered.
  const texts = Array.from({ length: 400_000 }, (_, at) => `0xff${(at * 7919).toString(16).padStart(12, '0')}`)
  const bytes = padded(texts.join(' '))
  const memo = new ByteMemo(bytes, (text) => text)
  expect(texts.every((text, at) => memo.upToBlank(at * 17) === text)).toBe(true)
})

const word = (text: string): number => Buffer.from(text, 'latin1').readInt32LE()
/** Four bytes, most of them near the digits. */
const four = fc.string({ minLength: 4, maxLength: 4, unit: fc.constantFrom(...'0189/:@`afgAF \0\x7f\x80\xb0\xff') })

test('four digits at a time are the number that stands there', () => {
  fc.assert(
    fc.property(four, (text) => {
      expect(fourDigits(word(text))).toBe(/^\d{4}$/.test(text) ? Number(text) : -1)
    }),
    { numRuns: 2000 },
  )
})

test('sixteen hexadecimal digits at a time are the number that stands there', () => {
  const digits = fc.stringMatching(/^[0-9a-f]{16}$/)
  fc.assert(
    fc.property(fc.oneof(digits, fc.tuple(digits, fc.nat(12), four).map(damage)), (text) => {
      const bytes = Buffer.from(text, 'latin1')
      const wide = new Wide()
      const isRead = wide.readDigits(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 0)
      expect(isRead).toBe(/^[0-9a-f]{16}$/.test(text))
      if (isRead) expect((BigInt(wide.high) << 32n) + BigInt(wide.low)).toBe(BigInt(`0x${text}`))
    }),
    { numRuns: 2000 },
  )
})

function damage([text, at, by]: [string, number, string]): string {
  return text.slice(0, at) + by + text.slice(at + 4)
}

test('a stamp is seconds and six or nine digits, or a whole number, and ends before the line does', () => {
  const text = fc.stringMatching(/^[0-9]{0,22}([.:][0-9]{0,11}){0,2}$/)
  fc.assert(
    fc.property(text, fc.nat(40), (text, at) => {
      const to = Math.min(at, text.length)
      const stamp = new Stamp(padded(text))
      const end = stamp.read(0, to)
      const [all, seconds, fraction = ''] = /^(\d{1,20})(?:\.(\d{9}|\d{6}))?:/.exec(text.slice(0, to)) ?? []
      expect(end).toBe(all?.length ?? -1)
      if (all === undefined) return
      expect(Math.abs(stamp.seconds - Number(seconds))).toBeLessThanOrEqual(Number(seconds) * 1e-12)
      expect([stamp.digits, stamp.nanoseconds]).toEqual([fraction.length, Number(fraction.padEnd(9, '0'))])
    }),
    { numRuns: 2000 },
  )
})
