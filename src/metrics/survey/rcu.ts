import { type Events, Kind, withStandIns } from '#events'
import { Addresses, AddressRows, type Column, FREED } from '#events/columns'
import { mostFirst, type Spread, Sums, spreadOf } from './sums.ts'

interface Flavour {
  readonly lengths: number[]
  readonly gaps: number[]
  open: { gpSeq: number; time: number; last: string } | undefined
  ended: number | undefined
  unfinished: number
  readonly enders: Map<string, number[]>
}

const SCAN = 'the scan for idle CPUs'

/**
 * How long do grace periods take, how long is it between them, and whom did they wait for last? Normal and expedited ones apart, by
 * flavour. The last report is the last of a CPU's own quiescent state (`cpuqs`) and the grace-period thread's scan for CPUs that were
 * idle (`fqsend`, `dti`); a grace period of which the trace lacks start or end has no length.
 */
function surveyGracePeriods(events: Events) {
  const { kind: kinds, cpu: cpus, slot: slots, time: times, tables, strings } = events
  const { rcu_grace_period: normal, rcu_exp_grace_period: expedited, rcu_fqs: fqs } = tables
  if (normal.length + expedited.length === 0) return undefined
  const flavours = new Map<string, Flavour>()
  const flavourOf = (name: string): Flavour => {
    let flavour = flavours.get(name)
    if (flavour === undefined) {
      flavour = { lengths: [], gaps: [], open: undefined, ended: undefined, unfinished: 0, enders: new Map() }
      flavours.set(name, flavour)
    }
    return flavour
  }
  for (let row = 0; row < events.length; row++) {
    const kind = kinds[row]!,
      slot = slots[row]!,
      time = times[row]!
    if (kind === Kind.rcu_fqs) {
      const flavour = flavours.get(strings.get(fqs.column.rcuname.data[slot]!)!)
      if (flavour?.open?.gpSeq === fqs.column.gpSeq.data[slot]) flavour!.open!.last = SCAN
      continue
    }
    const exp = kind === Kind.rcu_exp_grace_period
    if (!exp && kind !== Kind.rcu_grace_period) continue
    const { column } = exp ? expedited : normal
    // Probes that stand for these events have no name.
    const flavour = flavourOf(`${strings.get(column.rcuname.data[slot]!) || 'RCU'}${exp ? ' expedited' : ''}`)
    const gpSeq = column.gpSeq.data[slot]!
    const event = strings.get(column.gpevent.data[slot]!)
    const { open } = flavour
    if (event === 'start') {
      if (open !== undefined) flavour.unfinished++
      else if (flavour.ended !== undefined) flavour.gaps.push(time - flavour.ended)
      flavour.open = { gpSeq, time, last: exp ? 'expedited' : 'unknown' }
    } else if (event === 'end') {
      flavour.open = undefined
      flavour.ended = time
      // An expedited one is identified by its start: its number moves on meanwhile, and one runs at a time.
      if (open === undefined || (!exp && open.gpSeq !== gpSeq)) {
        flavour.unfinished++
        continue
      }
      flavour.lengths.push(time - open.time)
      let lengths = flavour.enders.get(open.last)
      if (lengths === undefined) {
        lengths = []
        flavour.enders.set(open.last, lengths)
      }
      lengths.push(time - open.time)
    } else if (open !== undefined && open.gpSeq === gpSeq) {
      if (event === 'cpuqs') open.last = `CPU ${cpus[row]}`
      else if (event === 'fqsend') open.last = SCAN
    }
  }
  return [...flavours].map(([flavour, { lengths, gaps, open, unfinished, enders }]) => ({
    flavour,
    count: lengths.length,
    /** Begun before the trace, or not ended in it. */
    unfinished: unfinished + (open === undefined ? 0 : 1),
    lengthNs: spreadOf(lengths),
    /** From the end of one to the start of the next. */
    gapNs: spreadOf(gaps),
    lastReport: mostFirst(
      [...enders].map(([by, of]) => ({ by, count: of.length, lengthNs: spreadOf(of)! })),
      (row) => row.count,
    ),
  }))
}

/** How long do callbacks wait from rcu_callback to rcu_invoke_callback, by function? The rcu_head (rhp) tells which is which. */
function surveyCallbacks(events: Events) {
  const { kind: kinds, slot: slots, time: times, tables, strings } = events
  const { rcu_callback: queued, rcu_invoke_callback: invoked, rcu_batch_end: batchEnd } = tables
  const { rcu_kvfree_callback: kvQueued, rcu_invoke_kvfree_callback: kvInvoked, kvfree_call_rcu: probe } = tables
  if (queued.length + invoked.length + kvQueued.length + kvInvoked.length === 0) return undefined
  const address = (column: Column<'u64'>) => new Addresses(column.data)
  const at = {
    queued: address(queued.column.rhp),
    invoked: address(invoked.column.rhp),
    kvQueued: address(kvQueued.column.rhp),
    kvInvoked: address(kvInvoked.column.rhp),
    probe: address(probe.column.head),
  }
  // Apart, since objects that kvfree_rcu() frees in bulk are queued and never invoked one by one.
  const rows = { callbacks: new AddressRows(), kvfree: new AddressRows() }
  const sums = new Sums<'queued' | 'invoked' | 'unmatched', number | string>(['queued', 'invoked', 'unmatched'])
  const latencies = new Map<number | string, number[]>()
  const KVFREE = 'kvfree_rcu(), one by one'
  const queue = (where: AddressRows, rhp: number | undefined, row: number) => {
    if (rhp !== undefined && rhp !== 0) where.set(rhp, row)
  }
  const invoke = (where: AddressRows, rhp: number | undefined, row: number, key: number | string) => {
    sums.add('invoked', key)
    const from = rhp === undefined || rhp === 0 ? FREED : where.get(rhp)
    if (from < 0) {
      sums.add('unmatched', key)
      return
    }
    let of = latencies.get(key)
    if (of === undefined) {
      of = []
      latencies.set(key, of)
    }
    of.push(times[row]! - times[from]!)
    where.set(rhp!, FREED)
  }
  for (let row = 0; row < events.length; row++) {
    const slot = slots[row]!
    switch (kinds[row]!) {
      case Kind.rcu_callback:
        sums.add('queued', queued.column.func.data[slot]!)
        queue(rows.callbacks, at.queued.at(slot), row)
        break
      case Kind.rcu_invoke_callback:
        invoke(rows.callbacks, at.invoked.at(slot), row, invoked.column.func.data[slot]!)
        break
      case Kind.rcu_kvfree_callback:
        sums.add('queued', KVFREE)
        queue(rows.kvfree, at.kvQueued.at(slot), row)
        break
      case Kind.kvfree_call_rcu:
        queue(rows.kvfree, at.probe.at(slot), row)
        break
      case Kind.rcu_invoke_kvfree_callback:
        invoke(rows.kvfree, at.kvInvoked.at(slot), row, KVFREE)
    }
  }
  const sum = (of: keyof typeof sums.column): number => sums.column[of].reduce((a, b) => a + b, 0)
  return {
    queued: sum('queued'),
    invoked: sum('invoked'),
    /** Invoked, but queued before the trace or by an untraced call. */
    unmatched: sum('unmatched'),
    /** Callbacks in one batch. */
    batches: spreadOf(batchEnd.column.callbacksInvoked.data),
    byFunction: mostFirst(
      sums.list((key) => ({ function: typeof key === 'string' ? key : (strings.get(key) ?? '(unknown)') })),
      (row) => row.invoked,
      (row) => row.queued,
    ).map((row) => ({ ...row, latencyNs: spreadOf(latencies.get(keyOf(row.function)) ?? []) })),
  }

  function keyOf(name: string): number | string {
    return name === KVFREE ? name : (strings.find(name) ?? name)
  }
}

/** How many objects does kvfree_rcu() free at once? */
const surveyBulkFrees = (events: Events) => spreadOf(events.tables.rcu_invoke_kfree_bulk_callback.column.nrRecords.data)

/** What becomes of objects given to kvfree_rcu()? Its calls are recorded by a tracepoint (up to 6.12) or by a probe. */
function surveyKvfree({ tables }: Events, bulk: Spread | undefined) {
  const queued = Math.max(tables.rcu_kvfree_callback.length, tables.kvfree_call_rcu.length)
  const oneByOne = tables.rcu_invoke_kvfree_callback.length
  if (queued + oneByOne === 0 && bulk === undefined) return undefined
  return { queued, inBulk: bulk?.total ?? 0, oneByOne }
}

/** Undefined where no RCU event that these questions need was recorded. */
export function surveyRcu(recorded: Events) {
  const events = withStandIns(recorded)
  const gracePeriods = surveyGracePeriods(events)
  const callbacks = surveyCallbacks(events)
  const kvfreeBulk = surveyBulkFrees(events)
  const kvfree = surveyKvfree(events, kvfreeBulk)
  if (gracePeriods === undefined && callbacks === undefined && kvfree === undefined) return undefined
  return { gracePeriods: gracePeriods ?? [], callbacks, kvfree, /** `total` and the rest are objects. */ kvfreeBulk }
}

export type RcuSurvey = NonNullable<ReturnType<typeof surveyRcu>>
