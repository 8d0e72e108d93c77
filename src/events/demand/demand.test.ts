import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Ask, DemandBuilder } from './demand.ts'

test('rows come in order of time, equals as they were pushed, whatever the order of pushing', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -2, max: 30 }), { maxLength: 200 }), (times) => {
      const builder = new DemandBuilder()
      const task = builder.task(1, 'task')
      for (const [block, time] of times.entries())
        builder.push({ time, ask: Ask.alloc, cpu: block % 3, task, block, gfpFlags: block })
      const { time, block, gfpFlags, length, blocks, start } = builder.finish()
      const inOrder = [...times.entries()].sort(([a, at], [b, bt]) => at - bt || a - b)
      expect([...time]).toEqual(inOrder.map(([, at]) => at))
      expect([...block]).toEqual(inOrder.map(([row]) => row))
      expect(gfpFlags).toEqual(block)
      expect([length, blocks]).toEqual([times.length, times.length])
      expect(start).toBe(times.filter((at) => at < 0).length)
    }),
  )
})
