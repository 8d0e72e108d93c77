import { ABSENT, type Tables } from './columns/columns.ts'
import { EventBuilder, type Events } from './events.ts'
import { Kind, type KindName, kindNames, type TraceEvent } from './kinds.ts'

type Payload = (ptr: bigint, count: number) => Record<string, unknown>

/** What a probe's event is for: the event that the kernel lacks. */
interface StandIn {
  readonly kind: KindName
  readonly payload: Payload
}

const RCUNAME = ''
const callback = (kind: 'rcu_callback' | 'rcu_invoke_callback', func: string): StandIn => ({
  kind,
  payload: (rhp) => ({ rhp, func, qlen: 0 }),
})

/**
 * Numbers of grace periods are counted from the first that was probed; their two low bits are as the kernel's. Expedited ones go by the number
 * that they end with.
 */
class Sequence {
  #normal = 0
  #expedited = 0

  start = (): Record<string, unknown> => ({ gpSeq: 4 * this.#normal + 1, gpevent: 'start' })
  end = (): Record<string, unknown> => ({ gpSeq: 4 * this.#normal++ + 1, gpevent: 'end' })
  asked = (): Record<string, unknown> => ({ gpSeq: 4 * this.#expedited + 4, gpevent: 'snap' })
  startExpedited = (): Record<string, unknown> => ({ gpSeq: 4 * this.#expedited + 4, gpevent: 'start' })
  endExpedited = (): Record<string, unknown> => ({ gpSeq: 4 * this.#expedited++ + 4, gpevent: 'end' })
}

function standIns(): Readonly<Record<string, StandIn>> {
  const gp = new Sequence()
  return {
    rcu_gp_init: { kind: 'rcu_grace_period', payload: gp.start },
    rcu_gp_cleanup: { kind: 'rcu_grace_period', payload: gp.end },
    synchronize_rcu_expedited: { kind: 'rcu_exp_grace_period', payload: gp.asked },
    sync_rcu_exp_select_cpus: { kind: 'rcu_exp_grace_period', payload: gp.startExpedited },
    rcu_exp_done: { kind: 'rcu_exp_grace_period', payload: gp.endExpedited },
    queue_rcu_work: callback('rcu_callback', 'rcu_work_rcufn'),
    call_rcu_sheaf: callback('rcu_callback', 'rcu_free_sheaf'),
    rcu_free_sheaf: callback('rcu_invoke_callback', 'rcu_free_sheaf'),
    kvfree_rcu_bulk: { kind: 'rcu_invoke_kfree_bulk_callback', payload: (_, nrRecords) => ({ nrRecords }) },
    kvfree_rcu_object: { kind: 'rcu_invoke_kvfree_callback', payload: (rhp) => ({ rhp, offset: 0 }) },
  }
}

/**
 * The same events, with probes on RCU's functions turned into the events that they stand for. Where a kernel recorded an event itself, the probes for it
 * stay what they are.
 */
export function withStandIns(events: Events): Events {
  const probes = events.tables.rcu_probe
  if (probes.length === 0) return events
  const byName = new Map(
    Object.entries(standIns())
      .filter(([, { kind }]) => events.tables[kind].length === 0)
      .map(([name, standIn]) => [events.strings.find(name), standIn] as const),
  )
  const { ptr, count, recordedAs } = probes.column
  const builder = new EventBuilder()
  builder.strings = events.strings
  const kind = events.kind.slice()
  const slot = events.slot.slice()
  const used = new Set<KindName>()
  for (let row = 0; row < events.length; row++) {
    if (kind[row] !== Kind.rcu_probe) continue
    const at = slot[row]!
    const standIn = byName.get(recordedAs.data[at]!)
    if (standIn === undefined) continue
    const pointer = ptr.data[at]!
    const payload = standIn.payload(pointer === ABSENT.u64 ? 0n : pointer, count.data[at]!)
    const common = { event: standIn.kind, time: events.time[row]!, cpu: events.cpu[row]!, rcuname: RCUNAME }
    builder.addEvent({ ...common, ...payload } as TraceEvent)
    kind[row] = Kind[standIn.kind]
    slot[row] = builder.tables[standIn.kind].length - 1
    used.add(standIn.kind)
  }
  const built = builder.finish().tables
  const tables = Object.fromEntries(kindNames.map((name) => [name, used.has(name) ? built[name] : events.tables[name]]))
  return { ...events, kind, slot, tables: tables as unknown as Tables }
}
