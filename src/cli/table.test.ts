import fc from 'fast-check'
import { expect, test } from 'vitest'
import { plainTable } from './table.ts'

const head = ['policy', 'interruptions', 'pages moved under it', 'locks saved, of the best']
const rows = [
  ['pcp/linux-5.10 (baseline)', '19', '185,422', '96.26 %'],
  ['pcp/trylock', '0', '185,872', '–'],
]

test('a table that fits stands in lines of its own, numbers under each other', () => {
  expect(plainTable(head, rows, 100)).toBe(`\
policy                     interruptions  pages moved under it  locks saved, of the best
pcp/linux-5.10 (baseline)             19               185,422                   96.26 %
pcp/trylock                            0               185,872                         –
`)
})

test('of a wider one the heads are broken; then its columns stand in groups, each with the first', () => {
  expect(plainTable(head, rows, 70)).toBe(`\
                                             pages      locks
                                             moved  saved, of
policy                     interruptions  under it   the best
pcp/linux-5.10 (baseline)             19   185,422    96.26 %
pcp/trylock                            0   185,872          –
`)
  expect(plainTable(head, rows, 52)).toBe(`\
policy                     interruptions
pcp/linux-5.10 (baseline)             19
pcp/trylock                            0

                              pages      locks
                              moved  saved, of
policy                     under it   the best
pcp/linux-5.10 (baseline)   185,422    96.26 %
pcp/trylock                 185,872          –
`)
})

test('a head that is broken keeps what it is indented by', () => {
  expect(plainTable(['  parameter', 'default'], [['  reach', 'a value as long as the line']], 30)).toBe(`\
  parameter  default
  reach      a value as long as the line
`)
})

test('every value stands there, and no line is wider than asked but where two columns alone are', () => {
  const word = fc.stringMatching(/^[a-z]{1,12}( [a-z]{1,12}){0,4}$/)
  fc.assert(
    fc.property(
      fc
        .integer({ min: 1, max: 9 })
        .chain((n) =>
          fc.tuple(
            fc.array(word, { minLength: n, maxLength: n }),
            fc.array(fc.array(word, { minLength: n, maxLength: n }), { minLength: 1, maxLength: 4 }),
          ),
        ),
      fc.integer({ min: 1, max: 200 }),
      ([names, values], width) => {
        fc.pre(Math.max(...[names, ...values].map(([first]) => first!.length)) <= width / 2)
        const groups = plainTable(names, values, width).split('\n\n')
        const shown = groups.join(' ')
        for (const word of values.flat().flatMap((value) => value.split(' '))) expect(shown).toContain(word)
        for (const group of groups)
          if (group.trimEnd().split('\n').at(-1)!.split(/ {2,}/).length > 2)
            for (const line of group.split('\n')) expect(line.length).toBeLessThanOrEqual(width)
      },
    ),
  )
})

test('text that leaves no room is broken between words, or behind a bar', () => {
  const name = 'GFP_KERNEL|__GFP_RECLAIMABLE|__GFP_NOWARN'
  expect(
    plainTable(
      ['gfp flags', 'allocated', 'pages', 'failed'],
      [
        [name, '10', '20', '0'],
        ['none', '1', '1', '1'],
      ],
      60,
    ),
  ).toBe(`\
gfp flags                      allocated  pages  failed
GFP_KERNEL|__GFP_RECLAIMABLE|         10     20       0
__GFP_NOWARN
none                                   1      1       1
`)
})

test('a table without rows is its heads', () => {
  expect(plainTable(['CPU', 'zone'], [], 80)).toBe('CPU  zone\n')
})
