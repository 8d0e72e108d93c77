import { expect, test } from 'vitest'
import type { KvfreeComparison } from '#metrics/kvfree'
import { kvfreeSeedTable } from './seed-table.ts'

const told = (policy: string, nocb: string): readonly unknown[] => {
  const rcuscale = { line: '', timeNs: 1, batches: 1, footprintMiB: 1 }
  return kvfreeSeedTable.build({
    captures: [{ name: 'a' }],
    runs: [{ capture: 'a', policy, rcuscale }],
    workloads: [{ capture: 'a', params: { nocb } }],
  } as unknown as KvfreeComparison).paragraphs!
}

test('published lines name the mail which they are of', () => {
  expect(told('kvfree/polled-v2', 'all')[1]).toContain('[PATCH v2 4/4] rcu/kvfree: Use a polled API')
  expect(told('kvfree/linux-6.1{drainMs=20,hurryAt=0}', 'none')[1]).toContain('20220627195353.1575285-1')
})

test('where nothing was published, no mail is named', () => {
  expect(told('kvfree/polled-v2', 'none')).toHaveLength(1)
})
