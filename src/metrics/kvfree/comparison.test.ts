import { expect, test } from 'vitest'
import { choosePolicy } from '#policies'
import { kvfreePolicies } from '#policies/kvfree'
import { readCapture } from '#readers'
import { kvfreeRecord, replayKvfree } from '#replay'
import { measureKvfree } from './comparison.ts'

test('batches wait as long as the series says that objects do', async () => {
  const record = kvfreeRecord(await readCapture('traces/kvfree-6.1-s'))
  const own = choosePolicy('kvfree', kvfreePolicies, 'kvfree/linux-6.1')
  const { batches, work, meanWaitNs } = measureKvfree(
    'kvfree-6.1-s',
    replayKvfree(record, own, { works: 'generated', steps: 400 }),
  )
  const waited = batches.reduce((sum, { queued, begun, objects }) => sum + (begun - queued!) * objects, 0)
  expect(meanWaitNs.waiting).toBeGreaterThan(40e6)
  expect(Math.abs(waited / work.enqueued / meanWaitNs.waiting - 1)).toBeLessThan(0.05)
})
