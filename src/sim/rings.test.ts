import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Rings } from './rings.ts'

test('rings are as plain arrays, the head first', () => {
  const anyStep = fc.tuple(fc.constantFrom('pushHead', 'pushTail', 'popHead', 'popTail'), fc.nat(1))
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 400 }), (steps) => {
      const rings = new Rings(2)
      const plain: number[][] = [[], []]
      steps.forEach(([verb, list], page) => {
        const pages = plain[list]!
        if (verb === 'pushHead') {
          rings.pushHead(list, page)
          pages.unshift(page)
        } else if (verb === 'pushTail') {
          rings.pushTail(list, page)
          pages.push(page)
        } else if (pages.length > 0) expect(rings[verb](list)).toBe(verb === 'popHead' ? pages.shift() : pages.pop())
      })
      plain.forEach((pages, list) => {
        const held: number[] = []
        rings.each(list, (page) => held.push(page))
        expect(held).toEqual(pages)
        expect(rings.lens[list]).toBe(pages.length)
      })
    }),
    { numRuns: 1000 },
  )
})
