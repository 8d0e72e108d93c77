import { z } from 'zod'
import { type ColumnTypeOf, type FieldSchema, field, stored } from './exchange/fields.ts'
import { kmem } from './kinds/kmem.ts'
import { pcp } from './kinds/pcp.ts'
import { rcu } from './kinds/rcu.ts'

/** Every event has these, whatever its kind. */
export const commonFields = {
  time: stored(z.number(), 'f64', 'Nanoseconds after the first whole second of the trace’s clock.', 'ns'),
  cpu: stored(z.int().min(0).max(0xfffe), 'u16', 'CPU that the event ran on.'),
  pid: stored(z.int(), 'i32', 'The kernel’s pid (a thread); absent where the format has none.').optional(),
  comm: stored(z.string(), 'text', 'Process name; absent where it was not recorded.').optional(),
  context: stored(z.int().min(0).max(15), 'u8', 'Bits: 1 softirq, 2 hardirq, 4 nmi, 8 interrupts off.').optional(),
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
  ...kmem,
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
  /** A probe on drain_all_pages(zone). */
  drain_all_pages: {
    zone: field.pointer('Zone asked for; 0 is every zone.').optional(),
    recordedAs: field.text('The probe’s event, where it has another name.').optional(),
  },
  ...pcp,
  ...rcu,
  /** A probe on a function of the slab allocator: `__slab_free`, `allocate_slab`, … */
  slab_slow_path: {
    cache: field.pointer('The cache: address of its kmem_cache.'),
    slab: field.pointer('The slab: address of its struct page or struct slab, where the function has one.').optional(),
    object: field.pointer('The object, where the function has one.').optional(),
    recordedAs: field.text('The probe’s event: as a rule the function’s name.').optional(),
  },
  /** A stack that was recorded for the event before it on its CPU: ftrace’s own record, a call chain of perf’s. */
  kernel_stack: {
    caller: field.text('The first function beyond the allocator and tracing; the rest of the stack is not kept.'),
  },
  other: {
    name: field.text('The event’s recorded name.'),
    fields: field.text('Its fields as `name=value`, space-separated.'),
  },
} as const satisfies Record<string, Record<string, FieldSchema>>

export type KindName = keyof typeof payloads
export type FieldName<K extends KindName> = keyof (typeof payloads)[K] & string
/** How a field of a kind lies in memory. */
export type StorageOf<K extends KindName, F extends FieldName<K>> = ColumnTypeOf<(typeof payloads)[K][F]>

/** Names of the event kinds, each at its number: `kindNames[events.kind[row]]`. */
export const kindNames = Object.keys(payloads) as KindName[]

/** Number of each kind, as `Events.kind` holds it: its place in `kindNames`. */
export const Kind = Object.fromEntries(kindNames.map((kind, number) => [kind, number])) as Readonly<
  Record<KindName, number>
>

/** Kinds that only probes record, under the names that a file of probes tells. */
export const probedKinds = [
  'drain_all_pages',
  'hold_probe',
  'kvfree_call_rcu',
  'pcp_state',
  'rcu_probe',
  'slab_slow_path',
] as const satisfies readonly KindName[]

/** Kinds of kreplay’s own, which no kernel records. */
const ownKinds: ReadonlySet<KindName> = new Set(['lost', 'trace_start', 'trace_end'])

/**
 * The name under which the kernels of today record a kind; undefined for kreplay’s own kinds. `other` carries its name itself, and
 * a kind with the field `recordedAs` an older name there.
 */
export function recordedName(kind: KindName): string | undefined {
  return ownKinds.has(kind) ? undefined : kind.replace(/_failed$/, '')
}

/** Kinds of the kernel's kmem and rcu events: those that totals are made of. */
export const countedKinds: ReadonlySet<string> = new Set([...Object.keys(kmem), ...Object.keys(rcu)])

/** The kind to which an allocation that failed belongs. */
export const failedKinds = {
  mm_page_alloc: 'mm_page_alloc_failed',
  kmalloc: 'kmalloc_failed',
  kmem_cache_alloc: 'kmem_cache_alloc_failed',
} as const satisfies Partial<Record<KindName, KindName>>

/**
 * Names of other releases for our kinds. Those of Linux before 3.3 leave no `recordedAs`: page events are too many for one, and
 * no kernel has both names.
 */
const olderNames: Readonly<Record<string, KindName>> = {
  kmalloc_node: 'kmalloc',
  kmem_cache_alloc_node: 'kmem_cache_alloc',
  rcu_dyntick: 'rcu_watching',
  mm_page_free_direct: 'mm_page_free',
  mm_pagevec_free: 'mm_page_free_batched',
}

const kindByName: ReadonlyMap<string, KindName> = new Map([
  ...kindNames
    .filter((kind) => kind !== 'other' && recordedName(kind) === kind)
    .filter((kind) => !(probedKinds as readonly KindName[]).includes(kind))
    .map((kind) => [kind, kind] as const),
  ...Object.entries(olderNames),
])

/** The kind of a kernel’s own event; undefined where there is none. Probes have theirs from `Probes`. */
export const kindOfName = (recorded: string): KindName | undefined => kindByName.get(recorded)

const turned: Readonly<Record<string, string>> = {
  Start: 'End',
  End: 'Start',
  Startirq: 'Endirq',
  Endirq: 'Startirq',
  StillNonIdle: 'StillWatching',
}

/** `rcu_dyntick` says when idleness starts and ends; its successor `rcu_watching` when RCU’s watching does. */
export const watchingOfDyntick = (polarity: string): string => turned[polarity] ?? polarity

const turnedBack = Object.fromEntries(Object.entries(turned).map(([dyntick, watching]) => [watching, dyntick]))

/** The other way round. */
export const dyntickOfWatching = (polarity: string): string => turnedBack[polarity] ?? polarity

/** The payload's fields of a kind, in order. */
export const fieldsOf = (kind: KindName): Readonly<Record<string, FieldSchema>> => payloads[kind]

/** Fields that can’t keep the kernel’s name, since a field of the commonFields or of another sense has it. */
const renamed: Readonly<Record<string, string>> = {
  poolCpu: 'cpu',
  rcuCpu: 'cpu',
  taskPid: 'pid',
  cacheName: 'name',
  zoneName: 'name',
}

/** Other names that kernels have for a field. */
const otherFieldNames: Readonly<Record<string, string>> = { gp_seq: 'gpseq', counter: 'dynticks' }

/** Fields that are elements of an array of the kernel’s: its name, and the place in it. */
const elements: Readonly<Record<string, readonly [array: string, index: number]>> = Object.fromEntries(
  ['seglen', 'gpSeq'].flatMap((array) =>
    ['Done', 'Wait', 'NextReady', 'Next'].map((segment, index) => [array + segment, [snake(array), index] as const]),
  ),
)

/** `gfpFlags` → `gfp_flags`, the name in the kernel’s format files and in text. */
export const snakeCase = (name: string): string => renamed[name] ?? snake(name)

function snake(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

/** All that a recorded field of this name may be called, and its place in an array where it is part of one. */
export function recordedFields(name: string): { readonly names: readonly string[]; readonly index?: number } {
  const element = elements[name]
  if (element !== undefined) return { names: [element[0]], index: element[1] }
  const usual = snakeCase(name)
  const other = otherFieldNames[usual]
  return { names: other === undefined ? [usual] : [usual, other] }
}

const commonSchema = z.object(commonFields)
type Payload<K extends KindName> = (typeof payloads)[K] extends infer Shape extends Readonly<Record<string, z.ZodType>>
  ? keyof Shape extends never
    ? unknown
    : z.infer<z.ZodObject<Shape>>
  : never

/** One event as an object. Loops over many events use the columns instead. */
export type TraceEvent<K extends KindName = KindName> = {
  [P in K]: { event: P } & z.infer<typeof commonSchema> & Payload<P>
}[K]

/** The zod schema of each kind’s events in the object view. */
export const eventSchemas = Object.fromEntries(
  kindNames.map((kind) => [kind, z.object({ event: z.literal(kind), ...commonFields, ...payloads[kind] })]),
) as unknown as { readonly [K in KindName]: z.ZodType<TraceEvent<K>> }
