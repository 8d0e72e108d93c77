import type { Events, Recording } from '#events'
import { RECORDED_VERSIONS } from '#kernel'
import { counted } from '#kernel/messages'
import { factsOf, versionOf } from '#kernel/releases'
import { hasKvfree } from '#metrics/kvfree'
import { hasSlab } from '#metrics/slab'
import { ownPcpId } from '#policies/pcp'
import { ownSlab } from '#replay/slab'

export interface DefaultPolicies {
  /** The first is the baseline. */
  readonly policies: readonly string[]
  /** Why these, in a sentence. */
  readonly because: string
}

const newest = RECORDED_VERSIONS.at(-1)!

const drainRequests = ({ tables }: Events): number => tables.drain_all_pages?.length ?? 0

const hasPages = ({ tables }: Events): boolean => tables.mm_page_alloc.length + tables.mm_page_free.length > 0

/**
 * Policies for a comparison that names none: the recording kernel's own as the baseline, the newest release, and the alternatives that
 * bear on what was recorded.
 */
export function defaultPolicies(recording: Recording): DefaultPolicies {
  const { events, machine, scenario } = recording
  const { release } = machine
  const own = versionOf(release)
  const kernel =
    release === undefined ? `no kernel is named, so the rules of ${own}` : `the recording kernel’s rules (${own})`
  if (scenario !== undefined || (!hasPages(events) && hasKvfree(recording)))
    return {
      policies: unique([
        `kvfree/${factsOf(release).kvfree}`,
        `kvfree/${factsOf(newest).kvfree}`,
        'kvfree/call-rcu',
        'kvfree/polled-v2',
      ]),
      because: `${scenario === undefined ? 'the trace has calls of kvfree_rcu() and no page events' : 'a workload of kvfree_rcu()'}: ${kernel}, the newest release, plain call_rcu(), and polled grace periods`,
    }
  if (isOfSlab(recording))
    return {
      policies: unique([
        ownSlab(machine).id,
        ...['sheaves', 'cpu-partial'].filter((id) => ownSlab(machine).policy.id !== id).map((id) => `slab/${id}`),
        'slab/none',
      ]),
      because: `the trace has slab objects and ${events.tables.slab_slow_path.length > 0 ? 'the slab allocator’s slow paths' : 'no page events'}: ${kernel}, the other way to keep objects at CPUs, and none as the bound`,
    }
  const lists = [ownPcpId(release), `pcp/linux-${newest}`]
  const requests = drainRequests(events)
  const works = recordedDrainWorks(events)
  const isolated = machine.isolated.length > 0
  if (requests + works === 0)
    return {
      policies: unique([...lists, 'pcp/none']),
      because: `no drain requests were recorded, so only list rules can differ: ${kernel}, the newest release, and no lists as the bound`,
    }
  return {
    policies: unique([...lists, 'pcp/work', 'pcp/rcu-swap', 'pcp/trylock', ...(isolated ? ['pcp/no-isolated'] : [])]),
    because: `${requests > 0 ? `recorded: ${counted(requests, 'drain request')}` : 'drain work was recorded'}; ${kernel}, the newest release, and the drain mechanisms ${isolated ? 'with and without isolated CPUs’ lists' : 'on the recorded lists'}`,
  }
}

/** Recorded for the slab allocator’s sake: page events without refills, if any, are of slabs. */
const isOfSlab = (recording: Recording): boolean => {
  const { tables } = recording.events
  const { length: refills } = tables.mm_page_alloc_zone_locked
  return hasSlab(recording) && (tables.slab_slow_path.length > 0 ? refills === 0 : !hasPages(recording.events))
}

/** Work items by which kernels before 6.0 drain the lists of each CPU. */
function recordedDrainWorks({ tables: { workqueue_queue_work: works }, strings }: Events): number {
  let found = 0
  for (let slot = 0; slot < works.length; slot++)
    if (strings.get(works.column.function.data[slot]!) === 'drain_local_pages_wq') found++
  return found
}

const unique = (ids: readonly string[]): string[] => [...new Set(ids)]
