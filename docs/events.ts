import { kindNames } from 'kreplay'
import { commonFields, fieldsOf } from '#events'
import { EXCHANGE_MARK, exchangeColumns, type FieldMeta, isOptional, metaOf } from '#events/exchange'
import { markdownTable } from './markdown.ts'

/** What each kind is for, which its fields can't tell. */
const about: Partial<Record<(typeof kindNames)[number], string>> = {
  lost: 'kreplay’s own: the recording lost events on this CPU.',
  trace_start: 'kreplay’s own: recording began.',
  trace_end: 'kreplay’s own: recording ended.',
  mm_page_alloc_failed: 'kreplay’s own name for an `mm_page_alloc` that got no page.',
  drain_all_pages: 'A probe on drain_all_pages(): somebody asked all CPUs to give their pages back.',
  kvfree_call_rcu: 'A probe on kvfree_call_rcu(): an object is queued.',
  pcp_state: 'A probe that fetches a pageset at the entry of a function: what no tracepoint shows.',
  hold_probe:
    'A probe at the entry or the return of a function that moves pages under zone->lock ([prices](prices.md)).',
  contention_begin: 'A task found a lock held and begins to wait.',
  contention_end: 'The wait for a lock is over.',
  rcu_probe:
    'A probe on a function of RCU or of kvfree_rcu(), on kernels without CONFIG_RCU_TRACE: it stands for the event that they lack.',
  slab_slow_path:
    'A probe on a function of the slab allocator: what its fast paths could not do ([probes](probes.md)).',
  mm_page_alloc_zone_locked:
    'A page taken from the buddy under zone->lock: a refill of a list shows as a run of these.',
  mm_page_pcpu_drain: 'A page given back from a per-CPU list to the buddy.',
  mm_page_free_batched: 'One page of a list that is freed; an `mm_page_free` of the same page follows.',
  other: 'Any event that kreplay has no schema for: counted and kept as text.',
}

const rowOf = (name: string, { column, unit, help }: FieldMeta, optional: boolean): string[] => [
  `\`${name}\``,
  column,
  unit ?? '',
  optional ? 'yes' : '',
  help,
]

const head = ['field', 'column', 'unit', 'may be absent', 'what it is']

/** docs/events.md, from the schemas. */
export function eventsPage(): string {
  const parts = [
    `# Events

<!-- Made by \`npm run examples\` from the schemas in src/events; a test holds it against the schemas. -->

Events are held as columns. In code: \`events.time[row]\`, \`.cpu\`, \`.pid\`, \`.comm\`, \`.context\` and \`.kind\` for every event, and the fields of its kind at
\`events.tables[kind].column[field].data[events.slot[row]]\`. \`eventAt(events, row)\` gives one event as an object, \`eachEvent(events)\` all of them; a field that is
absent there is \`undefined\`, and 0 is a valid pfn, CPU and index. \`text\` columns hold an index into \`events.strings\`. A field’s name is the kernel’s in camel case
(\`gfp_flags\` → \`gfpFlags\`).

\`kreplay convert IN OUT.csv\` writes the same fields: a first line \`${EXCHANGE_MARK} zero=… resolutionNs=… clock=…\`, a header of ${exchangeColumns.length} columns, one row an event;
a cell is empty where the event’s kind has no such field. \`zero\` is the first whole second of the trace’s clock, and \`time\` counts from there.

## Every event
`,
    markdownTable(
      head,
      Object.entries(commonFields).map(([name, schema]) => rowOf(name, metaOf(schema), isOptional(schema))),
    ),
  ]
  for (const kind of kindNames) {
    const fields = Object.entries(fieldsOf(kind))
    parts.push(`\n## ${kind}\n`)
    if (about[kind] !== undefined) parts.push(`${about[kind]}\n`)
    parts.push(
      fields.length === 0
        ? 'No fields of its own.'
        : markdownTable(
            head,
            fields.map(([name, schema]) => rowOf(name, metaOf(schema), isOptional(schema))),
          ),
    )
  }
  return `${parts.join('\n')}\n`
}
