import { z } from 'zod'
import { commonFields, type EventBuilder, fieldsOf, type KindName, kindNames, type TraceEvent } from '#events'
import { EXCHANGE_MARK, metaOf } from '#events/exchange'
import { type Issue, issueText, Tally, TraceError } from '#kernel/messages'
import { CpuTimes, timeNotices } from '../cpu-times.ts'
import type { PieceEnd, SyncPieceReader, TraceStart } from '../format.ts'

const NEWLINE = 0x0a
const LONGEST_LINE = 1 << 20
const TOO_LONG = `the line is longer than the ${LONGEST_LINE} bytes allowed`

const headSchema = z.object({
  kreplay: z.string(),
  zero: z.int().min(0),
  resolutionNs: z.int().min(1),
  clock: z.string().optional(),
  uname: z.string().optional(),
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
    return [
      kind,
      { schema: z.strictObject({ event: z.literal(kind), ...commonFields, time: z.int(), ...fields }), addresses },
    ]
  }),
)

/** As `u64` fields are written, and as decimal digits, which other programs write. */
const ADDRESS = /^(?:0x[0-9a-f]{1,16}|\d{1,20})$/i

/** Reads kreplay's own NDJSON, as `ndjsonWriter` writes it; the first line may be missing. */
export class NdjsonReader implements SyncPieceReader {
  readonly #name: string
  readonly #builder: EventBuilder
  readonly #times = new CpuTimes()
  readonly #tally = new Tally(timeNotices)
  #settings: z.infer<typeof headSchema> = { kreplay: EXCHANGE_MARK.slice(2), zero: 0, resolutionNs: 1 }
  #line = 0
  /** The begin of a line of which the rest is still to come. */
  #begun: Buffer = Buffer.alloc(0)

  constructor({ name, builder }: TraceStart) {
    this.#name = name
    this.#builder = builder
  }

  push(piece: Uint8Array): void {
    const bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.length)
    let from = 0
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, from)) {
      this.#read(bytes.subarray(from, end))
      from = end + 1
    }
    // A copy, since the piece holds until the next one only.
    this.#begun = Buffer.concat([this.#begun, bytes.subarray(from)])
    if (this.#begun.length > LONGEST_LINE) this.#fail(this.#line + 1, TOO_LONG)
  }

  end(): PieceEnd {
    if (this.#begun.length > 0) this.#read(Buffer.alloc(0))
    const { resolutionNs, clock, uname } = this.#settings
    return {
      format: 'kreplay NDJSON',
      tally: this.#tally.entries(),
      resolutionNs,
      ...(clock === undefined ? {} : { clock }),
      ...(uname === undefined ? {} : { uname }),
    }
  }

  /** Reads a line, or what was missing of the one begun. */
  #read(rest: Buffer): void {
    const bytes = this.#begun.length === 0 ? rest : Buffer.concat([this.#begun, rest])
    this.#begun = Buffer.alloc(0)
    const line = ++this.#line
    if (bytes.length === 0) return
    if (bytes.length > LONGEST_LINE) this.#fail(line, TOO_LONG)
    const text = bytes.toString('utf8')
    if (text.trim() === '') return
    const value = parsed(line === 1 ? text.replace(/^\uFEFF/, '') : text)
    if (value === undefined) this.#fail(line, `no JSON object: ${text.slice(0, 40).trim()}`)
    else if (line === 1 && 'kreplay' in value) {
      this.#settings = headOf(value, this.#fail)
      this.#builder.zero = this.#settings.zero
    } else {
      const event = eventOf(value, line, this.#fail)
      if (event.event !== 'lost' && this.#times.goBack(event.cpu, event.time))
        this.#tally.count('time-backwards', { file: this.#name, line })
      this.#builder.addEvent(event)
      this.#builder.renewStrings()
    }
  }

  readonly #fail = (line: number, what: string, column?: string): never => {
    throw new TraceError({ place: { file: this.#name, line, ...(column === undefined ? {} : { column }) }, what })
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
  const what =
    there === undefined
      ? 'it is missing'
      : `${shown(there)} is not allowed: ${issue === undefined ? '' : issueText(issue as Issue)}`
  return fail(line, what, column?.slice(0, 40))
}

const shown = (value: unknown): string =>
  (typeof value === 'bigint' ? `0x${value.toString(16)}` : (JSON.stringify(value) ?? '?')).slice(0, 40)
