import { z } from 'zod'
import {
  EventBuilder,
  EXCHANGE_MARK,
  fieldsOf,
  type KindName,
  kindNames,
  metaOf,
  spine,
  type TraceEvent,
} from '#events'
import { TraceError } from '#kernel'
import type { ReadTrace, TraceSource } from '../format.ts'

const NEWLINE = 0x0a
const LONGEST_LINE = 1 << 20
/** Bytes between two words on how far it is. */
const STEP = 1 << 22

const headSchema = z.object({
  kreplay: z.string(),
  zero: z.int().min(0),
  resolutionNs: z.int().min(1),
  clock: z.string().optional(),
})

/** How one kind's lines are read: the event's schema, closed, and the fields that stand as text. */
interface LineReader {
  readonly schema: z.ZodType
  readonly addresses: readonly string[]
}

const lineReaders: ReadonlyMap<string, LineReader> = new Map(
  kindNames.map((kind: KindName) => {
    const fields = fieldsOf(kind)
    const addresses = Object.keys(fields).filter((name) => metaOf(fields[name]!).column === 'u64')
    return [kind, { schema: z.strictObject({ event: z.literal(kind), ...spine, time: z.int(), ...fields }), addresses }]
  }),
)

/** As `u64` fields are written, and as decimal digits, which other programs write. */
const ADDRESS = /^(?:0x[0-9a-f]{1,16}|\d{1,20})$/i

/** Reads kreplay's own NDJSON, as `ndjsonWriter` writes it; the first line may be missing. */
export function readNdjson({ name, bytes, onProgress }: TraceSource): ReadTrace {
  const builder = new EventBuilder()
  const fail = (line: number, what: string, column?: string): never => {
    throw new TraceError({ place: { file: name, line, ...(column === undefined ? {} : { column }) }, what })
  }
  let settings: z.infer<typeof headSchema> = { kreplay: EXCHANGE_MARK.slice(2), zero: 0, resolutionNs: 1 }
  let line = 0
  let told = 0
  for (let from = 0; from < bytes.length; ) {
    line++
    const end = bytes.indexOf(NEWLINE, from)
    const to = end < 0 ? bytes.length : end
    if (to - from > LONGEST_LINE) fail(line, `the line has ${to - from} bytes; ${LONGEST_LINE} are allowed`)
    const text = Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString('utf8')
    from = to + 1
    if (text.trim() === '') continue
    const value = parsed(line === 1 ? text.replace(/^\uFEFF/, '') : text)
    if (value === undefined) fail(line, `no JSON object: ${text.slice(0, 40).trim()}`)
    else if (line === 1 && 'kreplay' in value) settings = headOf(value, fail)
    else builder.addEvent(eventOf(value, line, fail))
    if (from - told >= STEP || from >= bytes.length) {
      told = from
      onProgress?.(Math.min(from, bytes.length), bytes.length)
    }
  }
  builder.zero = settings.zero
  const { resolutionNs, clock } = settings
  return {
    format: 'kreplay NDJSON',
    events: builder.finish(),
    tally: [],
    resolutionNs,
    ...(clock === undefined ? {} : { clock }),
  }
}

type Fail = (line: number, what: string, column?: string) => never

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

function headOf(value: Record<string, unknown>, fail: Fail): z.infer<typeof headSchema> {
  if (value.kreplay !== EXCHANGE_MARK.slice(2)) {
    fail(1, `the version is "${String(value.kreplay).slice(0, 40)}", not "${EXCHANGE_MARK.slice(2)}"`)
  }
  const head = headSchema.safeParse(value)
  return head.success ? head.data : failed(head.error, value, 1, fail)
}

function eventOf(value: Record<string, unknown>, line: number, fail: Fail): TraceEvent {
  const reader = lineReaders.get(value.event as string)
  if (reader === undefined) {
    return value.event === undefined
      ? fail(line, 'there is no "event"')
      : fail(line, `"${String(value.event).slice(0, 40)}" is no kind of event`, 'event')
  }
  for (const name of reader.addresses) {
    const text = value[name]
    if (text === undefined) continue
    if (typeof text !== 'string' || !ADDRESS.test(text)) {
      fail(line, `${shown(text)} is not allowed: an address is text, as "0x…"`, name)
    }
    value[name] = BigInt(text as string)
  }
  const event = reader.schema.safeParse(value)
  return event.success ? (event.data as TraceEvent) : failed(event.error, value, line, fail)
}

function failed(error: z.ZodError, value: Record<string, unknown>, line: number, fail: Fail): never {
  const [issue] = error.issues
  const column = issue?.code === 'unrecognized_keys' ? issue.keys[0] : issue?.path[0]?.toString()
  const there = column === undefined ? undefined : value[column]
  const what = there === undefined ? 'it is missing' : `${shown(there)} is not allowed: ${issue?.message}`
  return fail(line, what, column?.slice(0, 40))
}

const shown = (value: unknown): string =>
  (typeof value === 'bigint' ? `0x${value.toString(16)}` : (JSON.stringify(value) ?? '?')).slice(0, 40)
