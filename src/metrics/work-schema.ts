import { z } from 'zod'

/** Counts of one run. Pages are base pages; everything is over the whole trace and all CPUs. */
export const workSchema = z.object({
  allocs: z.number().meta({ help: 'Allocations that succeeded, any order.' }),
  frees: z.number(),
  allocsFromList: z.number().meta({ help: 'Served from a list that was not empty.' }),
  allocsAfterRefill: z.number().meta({ help: 'Found the list empty and refilled it.' }),
  allocsFromBuddy: z.number().meta({ help: 'Taken from the buddy one by one: order not kept on lists, or lists off.' }),
  freesToBuddy: z.number(),
  refills: z.number(),
  refillPages: z.number(),
  drainBursts: z.number().meta({ help: 'Times that a free crossed the limit and gave pages back.' }),
  drainBurstPages: z.number(),
  drainRequests: z.number().meta({ help: 'drain_all_pages() calls, recorded or inferred.' }),
  drainRequestsSkipped: z.number().meta({ help: 'Found pcpu_drain_mutex taken and drained nothing.' }),
  requestedDrainPages: z.number().meta({ help: 'Pages given back because of a drain request.' }),
  localDrainPages: z.number().default(0).meta({
    help: 'Pages given back when compaction emptied its own CPU’s lists: nobody asked for these, and no mechanism changes them.',
  }),
  remoteDrains: z.number().meta({ help: 'CPU lists emptied by the requester itself, its own among them.' }),
  gracePeriodWaits: z.number().meta({ help: 'Grace periods that a requester waited for.' }),
  workItemWaits: z.number().meta({ help: 'Work items that a requester waited for, its own CPU’s among them.' }),
  interruptions: z
    .number()
    .meta({ help: 'kworker activations or IPIs on all CPUs, the requester’s own kworker among them.' }),
  zoneLocks: z.number().meta({ help: 'Times zone->lock was taken.' }),
  zoneLockPages: z.number().meta({ help: 'Pages moved between lists or users and the buddy under zone->lock.' }),
  pcpLocks: z.number().meta({ help: 'Per-CPU spinlocks taken by local operations.' }),
  dereferences: z.number().meta({ help: 'Extra dependent loads of the list pointer (RCU swap).' }),
  strandedPagesAtEnd: z.number().meta({ help: 'Pages on the lists of isolated CPUs when the trace ends.' }),
  irqSaves: z.number().meta({ help: 'Times that a local list operation turned interrupts off and on.' }),
  pcpLocksContended: z.number().meta({
    help: 'Operations that met a held lock of the pageset they came to: they waited, or went to the buddy. A drain holds it, and where CPUs share lists a refill or bulk free too.',
  }),
  sleepsInAtomic: z
    .number()
    .meta({ help: 'Times that a drain took a lock that may sleep with interrupts off: a bug on PREEMPT_RT.' }),
  fallbacks: z.number().meta({ help: 'Requests that took pages of another migratetype (mm_page_alloc_extfrag).' }),
  claims: z.number().meta({ help: 'Of these, those that made a pageblock their own.' }),
  borrowedPages: z.number().meta({
    help: 'Pages that the buddy could not give: the kernel would have reclaimed, or failed. They vanish when freed.',
  }),
  unseenAllocs: z.number().meta({
    help: 'Pages freed that nothing was seen to allocate (targets of compaction): taken from the buddy at that moment.',
  }),
  remoteListLocks: z.number().default(0).meta({
    help: 'Frees that took the lock of another CPU’s lists, to put a page on its owner’s: one each, though a batch may take it once for several.',
  }),
  ownedPageblocks: z.number().default(0).meta({ help: 'Pageblocks that a CPU owns when the trace ends.' }),
  strandedWithOwners: z.number().default(0).meta({
    help: 'Pages on a CPU’s lists when the trace ends that another CPU freed: it can’t have them back.',
  }),
  wholeBlocksAfterDrain: z.number().default(0).meta({
    help: 'Free pageblocks when the trace ends, had all lists been emptied then: fragmentation, wherever free pages lie.',
  }),
})
/** The name of a count of work. */
export const workField = z.string().refine((name) => Object.hasOwn(workSchema.shape, name), 'is no count of work')

export type Work = z.infer<typeof workSchema>
