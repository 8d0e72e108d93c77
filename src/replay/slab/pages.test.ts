import { expect, test } from 'vitest'
import { infer, whatIfOf } from '#estimate'
import { Ask } from '#events/demand'
import { choosePolicy } from '#policies'
import { slabPolicies } from '#policies/slab'
import { readCapture } from '#readers'
import { scriptOf } from '#record'
import { recordedSlabPages, runSlab, slabRecord, withSlabPages } from './index.ts'

test('slabs of a policy take the place of the recorded ones in the page demand', async () => {
  const recording = await readCapture('traces/slab-6.12-paths')
  const record = slabRecord(recording)
  const whatIf = whatIfOf(infer(scriptOf(recording)), recording.events)
  const own = recordedSlabPages(recording.events, record)
  const { pages } = runSlab(record, choosePolicy('slab', slabPolicies, 'slab/cpu-partial'), {
    counters: recording.machine.slabsBefore,
    warm: true,
    steps: 10,
    keepPages: true,
  })
  const driven = withSlabPages(whatIf, own, pages)
  expect(own.slab.length).toBeGreaterThan(100)
  expect(driven.missed / own.slab.length).toBeLessThan(0.1)
  const allocs = ({ ask }: { ask: ArrayLike<number> }) => Array.from(ask).filter((one) => one === Ask.alloc).length
  const taken = pages.taken.filter((one) => one).length
  expect(allocs(driven.whatIf.demand)).toBe(allocs(whatIf.demand) - driven.found + taken)
  const { time } = driven.whatIf.demand
  for (let row = 1; row < driven.whatIf.demand.length; row++) expect(time[row]! >= time[row - 1]!).toBe(true)
})
