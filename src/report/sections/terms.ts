import type { Work } from '#metrics'

/** A reader's name for each count; what it counts is the schema's own help. */
export const workTitles: { readonly [field in keyof Work]: string } = {
  allocs: 'allocations',
  frees: 'frees',
  allocsFromList: 'allocations from a list',
  allocsAfterRefill: 'allocations after a refill',
  allocsFromBuddy: 'allocations from the buddy',
  freesToBuddy: 'frees to the buddy',
  refills: 'refills',
  refillPages: 'pages refilled',
  drainBursts: 'drain bursts',
  drainBurstPages: 'pages given back in bursts',
  drainRequests: 'drain requests',
  drainRequestsSkipped: 'drain requests skipped',
  requestedDrainPages: 'pages drained on request',
  localDrainPages: 'pages drained by compaction',
  remoteDrains: 'remote drains',
  gracePeriodWaits: 'grace periods waited for',
  workItemWaits: 'work items waited for',
  interruptions: 'interruptions',
  zoneLocks: 'zone->lock taken',
  zoneLockPages: 'pages moved under zone->lock',
  pcpLocks: 'per-CPU locks taken',
  dereferences: 'extra dereferences',
  strandedPagesAtEnd: 'stranded pages at the end',
  irqSaves: 'interrupts off and on',
  pcpLocksContended: 'operations that met a held list lock',
  sleepsInAtomic: 'sleeps with interrupts off',
  fallbacks: 'fallbacks to another migratetype',
  claims: 'pageblocks claimed by fallbacks',
  borrowedPages: 'pages that the buddy lacked',
  unseenAllocs: 'pages allocated unseen',
  remoteListLocks: 'list locks of other CPUs taken by frees',
  ownedPageblocks: 'pageblocks owned at the end',
  strandedWithOwners: 'pages stranded with owners at the end',
  wholeBlocksAfterDrain: 'whole free pageblocks, all lists emptied',
}

export const terms: readonly (readonly [term: string, meaning: string])[] = [
  [
    'per-CPU list (pcp)',
    'Free pages that a CPU keeps for itself, so that most allocations and frees need no shared lock.',
  ],
  ['buddy', 'The zone’s allocator of free pages, shared by all CPUs and guarded by zone->lock.'],
  [
    'zone->lock',
    'The spinlock around the buddy of one zone. While one CPU holds it, all others that need the buddy wait.',
  ],
  ['high, batch', 'A list gives pages back when it holds high; refills and bursts move about batch pages.'],
  ['refill', 'An allocation found the list empty and fetched a batch from the buddy under zone->lock.'],
  [
    'drain burst',
    'Pages given back to the buddy at once: since a free crossed the limit (threshold), or since someone asked (requested).',
  ],
  [
    'drain request',
    'A call of drain_all_pages(): reclaim, compaction or an offlining wants the pages on all lists back.',
  ],
  [
    'interruption',
    'A kworker activation or an IPI on a CPU, made by a drain request; the requester’s own CPU counts where its kworker runs.',
  ],
  [
    'isolated CPU',
    'A CPU which the administrator keeps free of the kernel’s housekeeping (isolcpus=, nohz_full=, --isolated).',
  ],
  ['stranded pages', 'Free pages on the lists of isolated CPUs: nobody else can use them until they are drained.'],
  [
    'owner of a pageblock',
    'The CPU that took it whole from the buddy (pcp/block-owner): its pages come back to that CPU’s lists, whoever frees them.',
  ],
  ['remote drain', 'The requester empties a CPU’s lists itself (its own among them), without interrupting it.'],
  ['grace period', 'The time after which RCU guarantees that no CPU still uses a pointer it read before.'],
  [
    'warm-up',
    'What nothing could tell the outcome of, since the pages on a CPU’s lists when the trace began are not known one by one; not scored.',
  ],
  ['resync', 'After a miss, the replay’s list is corrected from the record, so that one miss does not cause others.'],
  ['unknown start', 'A drained page that lay on a list before the trace began: no replay can know it.'],
  [
    'list rules, drain mechanism',
    'The two halves of a policy: how many pages a list keeps, and how someone else gets them back.',
  ],
  [
    'baseline',
    'The policy with which the others are compared; ▲ is more than it, ▼ is less, and a word says which is better.',
  ],
]
