import type { KernelRelease } from './types.ts'

export const linux61: KernelRelease = {
  version: '6.1',
  recorded: true,
  changes: [
    {
      what: 'rules as of 6.0, which two stable levels changed: huge pages have two lists, bulk frees and drains are bounded',
      source: 'stable announcements of 6.1.97 (5 Jul 2024) and 6.1.104 (11 Aug 2024): see 6.7.ts and 6.10.ts',
      facts: { lists: 'linux-6.1' },
    },
    {
      what: 'kvfree_rcu() waits 5 s, or a jiffy once a page is full',
      source: '51824b780b71 "rcu/kvfree: Update KFREE_DRAIN_JIFFIES interval"',
      facts: { kvfree: 'linux-6.1' },
    },
  ],
}
