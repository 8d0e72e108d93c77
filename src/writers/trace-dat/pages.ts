import { type Events, Kind } from '#events'
import { ABSENT, ABSENT_CONTEXT } from '#events/columns'
import { TraceError } from '#kernel/messages'
import type { Formats, Layout } from './formats.ts'
import type { Target } from './parts.ts'

/** Source: include/linux/ring_buffer.h, kernel/trace/ring_buffer.c. */
export const PAGE_SIZE = 4096
const HEADER = 16
const TIME_EXTEND = 30
const MAX_DELTA = 2 ** 27
/** Of a record whose length stands in its head. */
const MAX_SHORT = 28 * 4
const MISSED_EVENTS = 2 ** 31
const MISSED_STORED = 2 ** 30

/** The rows that one ring-buffer page holds: `rows[from]` up to `rows[to]`. */
export interface Page {
  readonly from: number
  to: number
  /** ns, as the events have it. */
  readonly time: number
  /** Events lost before it; null where their number is not known. */
  readonly missed: number | null | undefined
}

/** Divides the rows of one CPU, in order, into pages. */
export function paginate(rows: Uint32Array, { kind, slot, time, tables }: Events, formats: Formats): Page[] {
  const pages: Page[] = []
  let page: Page | undefined
  let free = 0
  let last = 0
  const open = (from: number, start: number, missed?: number | null): Page => {
    page = { from, to: from, time: start, missed }
    pages.push(page)
    // The number of lost events stands behind the data.
    free = PAGE_SIZE - HEADER - (missed === undefined ? 0 : 8)
    last = start
    return page
  }
  for (let at = 0; at < rows.length; at++) {
    const row = rows[at]!
    const now = time[row]!
    if (kind[row] === Kind.lost) {
      const count = tables.lost.column.count.data[slot[row]!]!
      open(at + 1, now, count === ABSENT.u32 ? null : count)
      continue
    }
    const size = sizeOf(formats.layoutOf(kind[row]!, slot[row]!).size(slot[row]!))
    if (page === undefined || now < last || size + (now - last >= MAX_DELTA ? 8 : 0) > free) page = open(at, now)
    free -= size + (now - last >= MAX_DELTA ? 8 : 0)
    if (free < 0) tooLong(size, at)
    page.to = at + 1
    last = now
  }
  return pages
}

const sizeOf = (record: number): number => record + (record > MAX_SHORT ? 8 : 4)

function tooLong(size: number, row: number): never {
  throw new TraceError({
    place: { file: 'trace.dat' },
    what: `event ${row} of a CPU takes ${size} bytes, more than a page of the ring buffer holds`,
    hint: 'Write another format, such as .arrow or .ndjson.',
  })
}

/** Writes one page. */
export function putPage(page: Page, rows: Uint32Array, events: Events, formats: Formats, target: Target): void {
  const { view, tail: start } = target
  const { kind, slot, time } = events
  const zero = BigInt(events.zero) * 1_000_000_000n
  view.setBigUint64(start, zero + BigInt(page.time), true)
  let at = start + HEADER
  let last = page.time
  for (let place = page.from; place < page.to; place++) {
    const row = rows[place]!
    const delta = time[row]! - last
    last = time[row]!
    if (delta >= MAX_DELTA) {
      view.setUint32(at, ((delta % MAX_DELTA) * 32 + TIME_EXTEND) >>> 0, true)
      view.setUint32(at + 4, Math.floor(delta / MAX_DELTA), true)
      at += 8
    }
    const layout = formats.layoutOf(kind[row]!, slot[row]!)
    const size = layout.size(slot[row]!)
    const head = (delta >= MAX_DELTA ? 0 : delta) * 32
    if (size > MAX_SHORT) {
      view.setUint32(at, head, true)
      view.setUint32(at + 4, size + 4, true)
    } else view.setUint32(at, head + size / 4, true)
    at += sizeOf(size) - size
    target.start = at
    putRecord(layout, row, events, target)
    at += size
  }
  const flags = page.missed === undefined ? 0 : page.missed === null ? MISSED_EVENTS : MISSED_EVENTS + MISSED_STORED
  view.setUint32(start + 8, at - start - HEADER + flags, true)
  if (page.missed != null) view.setUint32(at, page.missed, true)
}

function putRecord(layout: Layout, row: number, { pid, context, slot }: Events, target: Target): void {
  const { view, start } = target
  view.setUint16(start, layout.id, true)
  view.setUint8(start + 2, flagsOf[context[row]!]!)
  view.setInt32(start + 4, pid[row]!, true)
  layout.put(target, slot[row]!)
}

/** Bits of `commonFields.context` → `common_flags`; without a context none is set. */
const flagsOf = Uint8Array.from({ length: 256 }, (_, context) =>
  context === ABSENT_CONTEXT
    ? 0
    : ((context & 1) !== 0 ? 16 : 0) |
      ((context & 2) !== 0 ? 8 : 0) |
      ((context & 4) !== 0 ? 64 : 0) |
      ((context & 8) !== 0 ? 1 : 0),
)
