import { type Events, Kind, lossesOf, type Recording } from '#events'
import { compactPages } from '#events/columns'
import { type Context, contextOf } from './context.ts'
import { guessZones } from './guessed-zones.ts'
import { RowWriter } from './row-writer.ts'
import { Op, type Script } from './script.ts'
import { type SeenTicks, seenTicks } from './ticks.ts'
import { BlockTypes } from './trackers/block-types.ts'
import { taskOf } from './trackers/drain-tasks.ts'
import { DrainTracker } from './trackers/drains.ts'
import { GracePeriodTracker } from './trackers/grace-periods.ts'
import { PageTracker } from './trackers/pages.ts'
import { PagesetStates } from './trackers/pageset-states.ts'
import { Edge, reclaimEdges } from './trackers/reclaim.ts'
import { RefillTracker } from './trackers/refills.ts'

/**
 * What the recording kernel did, row by row: hands each event to the tracker of its concern. One pass over the events, and one before it
 * that looks ahead for what comes of freed pages.
 */
export function scriptOf(
  recording: Pick<Recording, 'events' | 'machine' | 'described'>,
  { sources = false }: { readonly sources?: boolean } = {},
): Script {
  const compact = compacted(recording)
  const { events, machine, zones } = compact
  const context = contextOf(compact, zones)
  const ticks = seenTicks(events, machine)
  const trackers = new Trackers(context, new RowWriter(sizesOf(context, ticks), sources))
  trackers.follow(ticks)
  const { writer, types, drains, gracePeriods, states } = trackers
  const end = events.length === 0 ? 0 : events.time[events.length - 1]!
  // A last row per CPU takes what was recorded after its last event.
  for (let cpu = 0; cpu < context.cpus; cpu++) if (writer.lastRow(cpu) >= 0) writer.add(end, Op.none, cpu)
  // A probe that was on and never hit says that nobody asked.
  const requestsInferred =
    events.tables.drain_all_pages.length === 0 && recording.described?.includes('drain_all_pages') !== true
  countMissing(context, ticks, writer, requestsInferred)
  if (trackers.pages.reallocated > 0) context.tally.count('missing-frees', undefined, trackers.pages.reallocated)

  return {
    ...columnsOf(writer),
    blockTypes: types.atStart,
    zones: context.zones,
    machine,
    cpus: context.cpus,
    from: events.length === 0 ? 0 : events.time[0]!,
    to: end,
    moved: drains.moved,
    requestsInferred,
    isLossy: isLossy(events, trackers.pages.reallocated),
    gracePeriods: { start: gracePeriods.start, end: gracePeriods.end },
    drainWorks: drains.works,
    states: states.byRow,
    ticksRecorded: ticks.all,
    recordedInterruptions: drains.interruptions,
    tally: context.tally.entries(),
    events: events.length,
  }
}

/** Pages numbered without large holes, and the zones they lie in: guessed where no file tells them. */
function compacted({ events, machine }: Pick<Recording, 'events' | 'machine'>) {
  const isGuessed = machine.zones.length === 0
  const { zones, nodes } = isGuessed ? guessZones(events, machine) : machine
  const compact = compactPages({ events, machine: { ...machine, zones, nodes } })
  return {
    events: compact.events,
    machine: isGuessed ? { ...compact.machine, zones: [] } : compact.machine,
    zones: compact.machine.zones,
  }
}

/** A trace that lost a smaller share of its events is read like a whole one. */
const NEGLIGIBLE = 1e-4
/** Events taken to be missing in a gap that no count belongs to. */
const IN_GAP = 64
/** No whole trace has a page that is allocated twice: a larger share of such pages proves that events are missing. */
const PROOF = 1e-6

function isLossy(events: Events, reallocated: number): boolean {
  const { events: lost, uncounted } = lossesOf(events)
  return lost + uncounted * IN_GAP > events.length * NEGLIGIBLE || reallocated > events.length * PROOF
}

/** The trackers of one record, and the rows that they write. */
class Trackers {
  readonly writer: RowWriter
  readonly types: BlockTypes
  readonly drains: DrainTracker
  readonly gracePeriods: GracePeriodTracker
  readonly states: PagesetStates
  readonly #context: Context
  readonly pages: PageTracker
  readonly #refills: RefillTracker
  readonly #shortOrder: Uint8Array

  constructor(context: Context, writer: RowWriter) {
    this.#context = context
    this.writer = writer
    this.types = new BlockTypes(context)
    this.pages = new PageTracker(context, writer, this.types)
    this.#refills = new RefillTracker(context, writer, this.types, this.pages)
    this.drains = new DrainTracker(context, writer, this.types, this.pages)
    this.gracePeriods = new GracePeriodTracker(context.events)
    this.states = new PagesetStates(context, writer)
    this.#shortOrder = context.events.tables.mm_vmscan_direct_reclaim_begin.column.order.data
  }

  /** Walks the events once. */
  follow(ticks: SeenTicks): void {
    const { writer, drains } = this
    const { events } = this.#context
    const reclaim = reclaimEdges(events)
    let nextTick = 0
    for (let at = 0; at < events.length; at++) {
      const cpu = events.cpu[at]!
      const time = events.time[at]!
      writer.event = at
      writer.task = taskOf(events, at)
      const preemptedAt = writer.preemptions.seen(writer.task, cpu)
      if (events.kind[at] !== Kind.mm_page_pcpu_drain) drains.otherEvent(cpu)
      if (ticks.row[nextTick] === at) {
        drains.tickBegins(writer.add(time, Op.tick, cpu), cpu)
        nextTick++
      }
      const edges = reclaim?.edges[at] ?? 0
      const node = reclaim?.node[at] ?? 0
      if ((edges & Edge.start) !== 0) writer.add(time, Op.reclaimStart, cpu, 0, node)
      this.#event(at, time, cpu, preemptedAt)
      if ((edges & Edge.end) !== 0) writer.add(time, Op.reclaimEnd, cpu, 0, node)
      if ((edges & Edge.sleep) !== 0) writer.add(time, Op.kswapdSleep, cpu, 0, node)
    }
  }

  /** Hands the event to the tracker of its concern. */
  #event(at: number, time: number, cpu: number, preemptedAt: number | undefined): void {
    const { events, tally } = this.#context
    const slot = events.slot[at]!
    switch (events.kind[at]!) {
      case Kind.mm_page_alloc:
        this.pages.alloc(slot, time, cpu, preemptedAt)
        break
      case Kind.mm_page_free:
        this.pages.free(slot, time, cpu, events.comm[at]!)
        break
      case Kind.mm_page_free_batched:
        this.pages.batched(slot, time, cpu)
        break
      case Kind.mm_page_alloc_zone_locked:
        this.#refills.locked(slot, cpu)
        break
      case Kind.mm_page_alloc_extfrag:
        this.#refills.fallback(slot, cpu)
        break
      case Kind.mm_page_pcpu_drain:
        this.drains.page(slot, time, cpu)
        break
      case Kind.drain_all_pages:
        this.drains.request(slot, time, cpu)
        break
      case Kind.workqueue_queue_work:
        this.drains.workQueued(slot, time, cpu)
        break
      case Kind.workqueue_execute_start:
        this.drains.workStarts(slot, time, cpu)
        break
      case Kind.mm_vmscan_direct_reclaim_begin:
        this.writer.add(time, Op.shortage, cpu, 0, 0, this.#shortOrder[slot]!)
        break
      case Kind.mm_vmscan_direct_reclaim_end:
        this.drains.reclaimEnds(cpu)
        break
      case Kind.pcp_state:
        this.states.probed(slot, cpu)
        break
      case Kind.rcu_grace_period:
        this.gracePeriods.event(slot, time)
        break
      case Kind.lost:
        tally.count('lost-events')
        this.writer.add(time, Op.lost, cpu)
        break
    }
  }
}

/** The most rows and pages that the events can make. */
function sizesOf({ events, cpus }: Context, ticks: SeenTicks): ConstructorParameters<typeof RowWriter>[0] {
  const count = (kind: keyof Events['tables']) => events.tables[kind].length
  const drains = count('mm_page_pcpu_drain')
  const rows =
    count('mm_page_alloc') +
    2 * count('mm_page_free') +
    count('mm_page_free_batched') +
    2 * count('drain_all_pages') +
    count('workqueue_execute_start') +
    count('workqueue_queue_work') +
    count('mm_vmscan_direct_reclaim_begin') +
    count('mm_vmscan_direct_reclaim_end') +
    2 * drains +
    3 * count('mm_vmscan_kswapd_wake') +
    count('mm_vmscan_kswapd_sleep') +
    count('lost') +
    ticks.row.length +
    cpus
  return { cpus, rows, refills: count('mm_page_alloc_zone_locked') + count('mm_page_alloc_extfrag'), drains }
}

/** Notices of what was not traced. */
function countMissing(
  { events, tally, traits }: Context,
  ticks: SeenTicks,
  writer: RowWriter,
  inferred: boolean,
): void {
  if (inferred) tally.count('no-drain-requests')
  if (traits.decay && !ticks.all && events.length > 0) tally.count('no-ticks')
  if (writer.refills.length === 0 && events.tables.mm_page_alloc.length > 0) tally.count('no-refills')
}

function columnsOf({ rows, refills, drains, flow, source }: RowWriter) {
  return {
    length: rows.length,
    time: rows.time,
    op: rows.op,
    cpu: rows.cpu,
    zone: rows.zone,
    pfn: rows.pfn,
    order: rows.order,
    migratetype: rows.migratetype,
    refillStart: rows.refillStart,
    refillEnd: rows.refillEnd,
    drainStart: rows.drainStart,
    drainEnd: rows.drainEnd,
    preemptedAtRow: rows.preemptedAtRow,
    refillPfn: refills.pfn.subarray(0, refills.length),
    refillOrder: refills.order.subarray(0, refills.length),
    refillMigratetype: refills.migratetype.subarray(0, refills.length),
    drainPfn: drains.pfn.subarray(0, drains.length),
    drainOrder: drains.order.subarray(0, drains.length),
    drainMigratetype: drains.migratetype.subarray(0, drains.length),
    drainFlow: drains.flow.subarray(0, drains.length),
    flow,
    ...(source === undefined ? {} : { source }),
  }
}
