import { z } from 'zod'
import { field } from './fields.ts'

/** Every event has these, whatever its kind. */
export const spine = {
  time: z.number().meta({ help: 'Nanoseconds after the first whole second of the trace’s clock.', unit: 'ns' }),
  cpu: z.int().min(0).max(0xfffe).meta({ help: 'CPU that the event ran on.' }),
  pid: z.int().optional().meta({ help: 'The kernel’s pid (a thread); absent where the format has none.' }),
  comm: z.string().optional().meta({ help: 'Process name; absent where it was not recorded.' }),
  context: z.int().min(0).max(15).optional().meta({ help: 'Bits: 1 softirq, 2 hardirq, 4 nmi, 8 interrupts off.' }),
}

const extfrag = {
  pfn: field.pfn(),
  allocOrder: field.order('Order asked for.'),
  fallbackOrder: field.order('Order of the block taken.'),
  allocMigratetype: field.migratetype('Migratetype asked for.'),
  fallbackMigratetype: field.migratetype('Migratetype taken from.'),
  changeOwnership: field.flag('Whether the whole pageblock changed its type.'),
}

const work = field.pointer('The work item’s address: its identity.')
const workFunction = field.text('The function that the work runs.')

/**
 * The payload of each kind, by kreplay’s name for it. Field names are the kernel’s in our case (`gfp_flags` → `gfpFlags`).
 * Everything else (object view, CSV header, columns, documentation) is derived from here.
 */
const payloads = {
  lost: {
    count: field.count('Events lost on this CPU before this moment; absent where only the fact is known.').optional(),
  },
  trace_start: {},
  trace_end: {},
  mm_page_alloc: { pfn: field.pfn(), order: field.order(), migratetype: field.migratetype(), gfpFlags: field.gfp() },
  mm_page_alloc_failed: { order: field.order(), migratetype: field.migratetype(), gfpFlags: field.gfp() },
  mm_page_free: { pfn: field.pfn(), order: field.order() },
  mm_page_free_batched: { pfn: field.pfn() },
  mm_page_alloc_zone_locked: {
    pfn: field.pfn(),
    order: field.order(),
    migratetype: field.migratetype('5.10: the type asked for; 6.1 and later: the free list used.'),
    percpuRefill: field.flag('Stored from 6.1 on; on 5.10 the text prints order == 0.').optional(),
  },
  mm_page_pcpu_drain: { pfn: field.pfn(), order: field.order(), migratetype: field.migratetype() },
  mm_page_alloc_extfrag: extfrag,
  mm_vmscan_direct_reclaim_begin: { order: field.order(), gfpFlags: field.gfp() },
  mm_vmscan_direct_reclaim_end: { nrReclaimed: field.count('Pages reclaimed.', 'pages') },
  mm_vmscan_kswapd_wake: { nid: field.signed('NUMA node.'), order: field.signed('Order that kswapd was woken for.') },
  mm_vmscan_kswapd_sleep: { nid: field.signed('NUMA node.') },
  workqueue_queue_work: {
    work,
    function: workFunction,
    workqueue: field.text('Name of the workqueue, or its address before 5.19.'),
    reqCpu: field.signed('CPU asked for; the number of possible CPUs or above means any.'),
    poolCpu: field.signed('CPU of the pool that took it; −1 is an unbound pool.'),
  },
  workqueue_activate_work: { work },
  workqueue_execute_start: { work, function: workFunction },
  workqueue_execute_end: { work, function: workFunction.optional() },
  drain_all_pages: { zone: field.pointer('Zone asked for; 0 is every zone.').optional() },
  other: {
    name: field.text('The event’s recorded name.'),
    fields: field.text('Its fields as `name=value`, space-separated.'),
  },
} as const satisfies Record<string, Record<string, z.ZodType>>

export type KindName = keyof typeof payloads
export type FieldName<K extends KindName> = keyof (typeof payloads)[K] & string

export const kindNames = Object.keys(payloads) as KindName[]

/** Number of each kind, as `Events.kind` holds it. For use in `switch`. */
export const Kind = {
  lost: 0,
  trace_start: 1,
  trace_end: 2,
  mm_page_alloc: 3,
  mm_page_alloc_failed: 4,
  mm_page_free: 5,
  mm_page_free_batched: 6,
  mm_page_alloc_zone_locked: 7,
  mm_page_pcpu_drain: 8,
  mm_page_alloc_extfrag: 9,
  mm_vmscan_direct_reclaim_begin: 10,
  mm_vmscan_direct_reclaim_end: 11,
  mm_vmscan_kswapd_wake: 12,
  mm_vmscan_kswapd_sleep: 13,
  workqueue_queue_work: 14,
  workqueue_activate_work: 15,
  workqueue_execute_start: 16,
  workqueue_execute_end: 17,
  drain_all_pages: 18,
  other: 19,
} as const satisfies Record<KindName, number>

/** Kinds of kreplay’s own, which no kernel records. */
const ownKinds: ReadonlySet<KindName> = new Set(['lost', 'trace_start', 'trace_end'])

/** The name under which the kernel records a kind; undefined for kreplay’s own kinds. `other` carries its name itself. */
export function recordedName(kind: KindName): string | undefined {
  if (ownKinds.has(kind)) return undefined
  return kind === 'mm_page_alloc_failed' ? 'mm_page_alloc' : kind
}

/** The payload's fields of a kind, in order. */
export const fieldsOf = (kind: KindName): Readonly<Record<string, z.ZodType>> => payloads[kind]

/** Fields that can’t keep the kernel’s name, since a field of the spine has it. */
const renamed: Readonly<Record<string, string>> = { poolCpu: 'cpu' }

/** `gfpFlags` → `gfp_flags`, the name in the kernel’s format files and in text. */
export const snakeCase = (name: string): string =>
  renamed[name] ?? name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

const spineSchema = z.object(spine)
type Payload<K extends KindName> = (typeof payloads)[K] extends infer Shape extends Readonly<Record<string, z.ZodType>>
  ? keyof Shape extends never
    ? unknown
    : z.infer<z.ZodObject<Shape>>
  : never

/** One event as an object. Loops over many events use the columns instead. */
export type TraceEvent<K extends KindName = KindName> = {
  [P in K]: { event: P } & z.infer<typeof spineSchema> & Payload<P>
}[K]

/** The zod schema of each kind’s events in the object view. */
export const eventSchemas = Object.fromEntries(
  kindNames.map((kind) => [kind, z.object({ event: z.literal(kind), ...spine, ...payloads[kind] })]),
) as unknown as { readonly [K in KindName]: z.ZodType<TraceEvent<K>> }
