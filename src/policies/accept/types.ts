import { z } from 'zod'
import type { Ns, Order, Pages, Pfn } from '#kernel'
import type { PolicyHead } from '../head.ts'

/** EFI's bitmap of unaccepted memory has one bit for each 2 MiB. */
export const PAGES_PER_BIT = 512
/** MAX_ORDER blocks: what lies on zone->unaccepted_pages. */
export const MAX_ORDER_PAGES = 1024
const BITS_PER_MIB = 0.5

/** What accepting costs in a guest: parameters that every policy shares, so that `--set` means the same for all. */
export const guestParams = z.object({
  mapCalls: z.int().min(0).max(1).default(1).meta({
    unit: 'calls',
    help: 'Calls per accepted range, whatever its size (MapGPA). Shutemov’s mail of August 2021 hopes for one.',
  }),
  acceptCalls: z.int().min(1).max(512).default(1).meta({
    unit: 'calls',
    help: 'Calls per 2 MiB: 1 where a 2 MiB accept works, 512 where each 4 KiB page needs its own.',
  }),
  callCycles: z.int().min(0).max(1e7).default(1000).meta({
    unit: 'cycles',
    help: 'One call into the module or hypervisor. Shutemov’s mail of August 2021 guesses 1,000; nobody measured it there.',
  }),
  mhz: z.int().min(100).max(10_000).default(2500).meta({ unit: 'MHz', help: 'Clock of the CPUs.' }),
  zeroNs: z
    .int()
    .min(0)
    .max(1e9)
    .default(100_000)
    .meta({ unit: 'ns per MiB', help: 'Zeroing while accepting. Default: 10 GB/s, an assumption of ours.' }),
  populateNs: z.int().min(0).max(1e9).default(0).meta({
    unit: 'ns per MiB',
    help: 'The hypervisor’s own cost of giving memory to the guest; 0: it was there already.',
  }),
  unacceptedShare: z
    .number()
    .min(0)
    .max(1)
    .default(1)
    .meta({ help: 'Share of the memory free at the trace’s start that is not accepted yet.' }),
  nodes: z.int().min(1).max(64).default(1).meta({
    help: 'NUMA nodes that a machine without any is cut into: each has a zone->lock and a share of the CPUs.',
  }),
  reversible: z
    .boolean()
    .default(false)
    .meta({ help: 'Memory can be handed back (shared, kexec): readers of the bitmap take its lock too.' }),
  checkNs: z
    .int()
    .min(0)
    .max(1e6)
    .default(5)
    .meta({ unit: 'ns', help: 'One look at the bitmap. An assumption of ours.' }),
  holdNs: z
    .int()
    .min(0)
    .max(1e6)
    .default(500)
    .meta({ unit: 'ns', help: 'zone->lock held by a refill or a drain, whatever its size.' }),
  holdPageNs: z.int().min(0).max(1e5).default(29).meta({
    unit: 'ns per page',
    help: 'The same, by page. Default: bulk frees on Sapphire Rapids, Huang Ying, 20 Sep 2023.',
  }),
})
export type GuestParams = z.infer<typeof guestParams>

/** Time to accept `bits` × 2 MiB in `ranges` ranges. */
export const acceptCost = (
  { mapCalls, acceptCalls, callCycles, mhz, zeroNs, populateNs }: GuestParams,
  bits: number,
  ranges = 1,
): Ns =>
  ((mapCalls * ranges + acceptCalls * bits) * callCycles * 1000) / mhz + (bits / BITS_PER_MIB) * (zeroNs + populateNs)

/** Calls that this takes. */
export const acceptCalls = ({ mapCalls, acceptCalls }: GuestParams, bits: number, ranges = 1): number =>
  mapCalls * ranges + acceptCalls * bits

/** One thing that a CPU does next. A lock is waited for in the order of coming. */
export type Step =
  | { readonly does: 'lock' | 'unlock'; readonly lock: number }
  | { readonly does: 'run'; readonly ns: Ns }
  | { readonly does: 'irqs'; readonly off: boolean }

/** What a CPU does from here on, step by step. Others may act between two steps. */
export type Steps = Generator<Step, void, void>

export const lock = (lock: number): Step => ({ does: 'lock', lock })
export const unlock = (lock: number): Step => ({ does: 'unlock', lock })
export const run = (ns: Ns): Step => ({ does: 'run', ns })
export const IRQS_OFF: Step = { does: 'irqs', off: true }
export const IRQS_ON: Step = { does: 'irqs', off: false }

/** What a rule may ask of the guest, and do to it. */
export interface AcceptHost {
  readonly guest: GuestParams
  /** The lock of the bitmap, shared by all nodes. */
  readonly bitmapLock: number
  /** Stands for a range being accepted: who needs it too waits. */
  unitLock(unit: number): number
  unitOf(pfn: Pfn): number
  /** First unit behind a block. */
  unitEnd(pfn: Pfn, order: Order): number
  isUnaccepted(unit: number): boolean
  /** Marks units `from` to `to` (exclusive) as accepted. @throws where one is already */
  accept(from: number, to: number): void
  /** Counts a look at the bitmap. True if this page was never looked at: a remainder of a block that was split. */
  check(pfn: Pfn): boolean
  /** Accepted and free pages of a node that lie above (positive) or below a watermark. */
  above(node: number, watermark: 'min' | 'promo'): Pages
  /** Blocks on the node's zone->unaccepted_pages. */
  unacceptedBlocks(node: number): number
  /** Takes the first of them; undefined if there is none. */
  takeBlock(node: number): number | undefined
  /** Accepts what of a block and of the guard unit behind it is still unaccepted; returns the 2 MiB ranges that it took. */
  acceptBlock(node: number, block: number): number
  zoneLock(node: number): number
  readonly nodes: number
}

/** When and where memory is accepted. What is absent never happens. */
export interface AcceptRules {
  /** Everything is accepted before anything runs, by this many CPUs. */
  readonly bootCpus?: number
  /** A block leaves the free lists; zone->lock is held. */
  readonly onTake?: (host: AcceptHost, pfn: Pfn, order: Order) => Steps | undefined
  /** prep_new_page() of an allocation; no lock is held. */
  readonly onPrepare?: (host: AcceptHost, pfn: Pfn, order: Order) => Steps | undefined
  /** An allocation is about to test the watermarks of its node. */
  readonly onAttempt?: (host: AcceptHost, node: number) => Steps | undefined
  /** A thread of its own; `wait` sleeps without using the CPU. */
  readonly thread?: (host: AcceptHost) => Generator<Step | Sleep, void, void>
}

/** The thread sleeps. */
export interface Sleep {
  readonly does: 'sleep'
  readonly ns: Ns
}

export interface AcceptPolicy<P extends z.ZodObject = z.ZodObject> extends PolicyHead {
  readonly params: P
  /** Pages of a unit: what is accepted at once. */
  readonly unitPages: (params: z.infer<P>) => Pages
  /**
   * `touch`: the recorded pfns say which unit an allocation meets first. `level`: a kernel of this kind would have handed out
   * other pages, so only sizes and moments are used.
   */
  readonly drivenBy: 'touch' | 'level'
  readonly create: (params: z.infer<P>) => AcceptRules
}

export type AnyAcceptPolicy = AcceptPolicy<z.ZodObject>

export const defineAcceptPolicy = <P extends z.ZodObject>(policy: AcceptPolicy<P>): AcceptPolicy<P> => policy

export const unitParam = z
  .union([z.literal(512), z.literal(1024)])
  .default(512)
  .meta({
    unit: 'pages',
    help: 'Accepted at once: 512 is 2 MiB, 1024 is 4 MiB.',
  })

/** The calls that accept units `from` to `to`, in one range. */
export function* acceptUnits(host: AcceptHost, unitPages: Pages, from: number, to: number): Steps {
  yield run(acceptCost(host.guest, ((to - from) * unitPages) / PAGES_PER_BIT))
  host.accept(from, to)
}

/** Runs of unaccepted units among those that a block covers. */
export function* unacceptedRuns(host: AcceptHost, pfn: Pfn, order: Order): Generator<[from: number, to: number]> {
  const end = host.unitEnd(pfn, order)
  for (let unit = host.unitOf(pfn); unit < end; unit++) {
    if (!host.isUnaccepted(unit)) continue
    const from = unit
    while (unit < end && host.isUnaccepted(unit)) unit++
    yield [from, unit]
  }
}

/** The merged design’s way to accept one block: off the list under zone->lock, then without it, interrupts off. */
export function* acceptOneBlock(host: AcceptHost, node: number): Steps {
  yield IRQS_OFF
  yield lock(host.zoneLock(node))
  const block = host.takeBlock(node)
  yield unlock(host.zoneLock(node))
  if (block !== undefined) {
    // The guard unit belongs to the next block: two that overlap wait for each other, as on accepting_list.
    for (const unit of [block, block + 1]) yield lock(host.unitLock(unit))
    const bits = host.acceptBlock(node, block)
    if (bits > 0) yield run(acceptCost(host.guest, bits))
    for (const unit of [block + 1, block]) yield unlock(host.unitLock(unit))
  }
  yield IRQS_ON
}
