import type { Recording } from '#events'
import type { WhatIf } from '#events/demand'
import { RECORDED_VERSIONS } from '#kernel'
import { counted } from '#kernel/messages'
import { pcpMeasures } from '#metrics'
import { publishedPrices } from '#metrics/prices'
import {
  composeSlab,
  hasSlab,
  measureSlab,
  type SlabCapture,
  type SlabPagesRow,
  type SlabSweep,
  SWEPT,
  slabWorkSchema,
  sweptCell,
} from '#metrics/slab'
import { type Catalogue, choosePcp, choosePolicy } from '#policies'
import { ownPcpId } from '#policies/pcp'
import { runPolicy } from '#replay'
import {
  recordedSlabPages,
  runSlab,
  type SlabRecord,
  type SlabRun,
  slabRecord,
  USUAL_GRACE_PERIOD_NS,
  withSlabPages,
} from '#replay/slab'
import { analyse } from '../analyse.ts'
import type { Family, Settings } from './family.ts'

/** Steps of the series over the trace; of each run of a sweep. */
const STEPS = 200
const SWEEP_STEPS = 50

const choose = (id: string, set: Settings, { slab }: Catalogue) => choosePolicy('slab', slab, id, set)

export const slab: Family = {
  id: 'slab',
  paramNames: ({ slab }) => slab.flatMap(({ params }) => Object.keys(params.shape)),
  paramNamesOf: (id, catalogue) => Object.keys(choose(id, {}, catalogue).policy.params.shape),
  workFields: Object.keys(slabWorkSchema.shape),
  policyId: (id, set, catalogue) => choose(id, set, catalogue).id,
  lacks: (recording) =>
    hasSlab(recording)
      ? undefined
      : {
          what: 'the trace holds no allocations and frees of slab objects (kmalloc, kfree, kmem_cache_alloc, kmem_cache_free)',
          hint: 'Record these events of the kmem group.',
        },
  ownRuns: 1,
  windows: false,
  start: ({ policies, baseline, set, catalogue, version, onRun }) => {
    const captures: SlabCapture[] = []
    return { add, compose: () => composeSlab(captures, baseline, version) }

    function add(recording: Recording, isolated: readonly number[]): void {
      const record = slabRecord(recording)
      const { script, fidelity, whatIf } = analyse(recording)
      const done = policies.map((id) => {
        onRun(id)
        return runSlab(record, choose(id, set, catalogue), {
          counters: recording.machine.slabsBefore,
          warm: true,
          steps: STEPS,
          keepPages: true,
        })
      })
      const runs = done.map((run) => measureSlab(recording.name, record, run))
      captures.push({
        recording,
        isolated,
        tally: script.tally,
        cpus: record.cpus,
        zones: script.zones,
        fidelity,
        runs,
        pages: pagesOf(recording, record, whatIf, done),
        sweep: policies.some((id) => choose(id, {}, catalogue).policy.id === 'sheaves')
          ? sweep(recording, record, set, catalogue)
          : undefined,
        notes: notesOn(recording, record),
      })
    }
  },
}

/** What the page allocator does with the slab pages of each policy, under the recording kernel's page lists and the newest. */
function pagesOf(
  { name, events, machine }: Recording,
  record: SlabRecord,
  whatIf: WhatIf,
  runs: readonly SlabRun[],
): SlabPagesRow[] {
  // Without frees, recorded slabs would stay for ever, and those of a policy would not.
  if (events.tables.mm_page_free.length === 0) return []
  const own = recordedSlabPages(events, record)
  if (own.slab.length === 0) return []
  const { release } = machine
  const lists = [...new Set([ownPcpId(release), `pcp/linux-${RECORDED_VERSIONS.at(-1)}`])]
  const row = (slab: string, pcp: string, driven: WhatIf): SlabPagesRow => {
    const run = runPolicy(driven, choosePcp(pcp, release))
    const { zoneLocks = 0, zoneLockPages = 0, refills = 0, bulkFrees = 0 } = pcpMeasures(run, [], publishedPrices[0]!)
    return { capture: name, slab, pcp, refills, zoneLocks, zoneLockPages, bulkFrees }
  }
  return lists.flatMap((pcp) => [
    row('recorded', pcp, whatIf),
    ...runs.map(({ policy, pages }) => row(policy, pcp, withSlabPages(whatIf, own, pages).whatIf)),
  ])
}

/** Sheaves of other sizes, and barns. */
function sweep({ name, machine }: Recording, record: SlabRecord, set: Settings, catalogue: Catalogue): SlabSweep {
  const capacities = [...SWEPT.capacities]
  const maxFulls = [...SWEPT.maxFulls]
  const cells = capacities.flatMap((capacity) =>
    maxFulls.map((maxFull) => {
      const choice = choose(`slab/sheaves{capacity=${capacity},maxFull=${maxFull}}`, set, catalogue)
      const run = runSlab(record, choice, { counters: machine.slabsBefore, warm: true, steps: SWEEP_STEPS })
      return sweptCell(capacity, maxFull, measureSlab(name, record, run), record.cpus)
    }),
  )
  return { capture: name, capacities, maxFulls, cells }
}

function notesOn({ machine }: Recording, { caches, unknownFrees, probed }: SlabRecord): string[] {
  const unseen = caches.reduce((sum, cache) => sum + cache.unseenFrees, 0)
  const deferred = caches.reduce((sum, { traced }) => sum + (traced.paths.get('__kfree_rcu_sheaf') ?? 0), 0)
  return [
    'Every policy begins with the slabs, partial lists and sheaves that the trace and the counters show the recording kernel’s to have been, as far as it has such lists.',
    ...(machine.slabsBefore === undefined
      ? ['No slabinfo.before and slabstats.before: how slabs are built follows from the size of their objects.']
      : []),
    ...(probed.size === 0
      ? [
          'No slow path was probed: nothing checks the replay, and slabs that were made meanwhile count as there from the start.',
        ]
      : []),
    ...(unseen > 0
      ? [
          `Inferred: ${counted(unseen, 'free')} that no event shows, since an object is allocated again or a slow path has it.`,
        ]
      : []),
    ...(unknownFrees > 0 ? [`Not replayed: ${counted(unknownFrees, 'free')} of caches that nothing tells.`] : []),
    ...(deferred > 0
      ? [
          `A grace period is taken to last ${USUAL_GRACE_PERIOD_NS / 1e6} ms: ${counted(deferred, 'object')} of kfree_rcu() waited for one.`,
        ]
      : []),
  ]
}
