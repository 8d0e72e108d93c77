import { ABSENT, ABSENT_COMM, ABSENT_CONTEXT, ABSENT_PID, type EventBuilder, Kind } from '#events'
import type { Notice, Place, Tally } from '#kernel'
import type { Decoder, Window } from './decoder.ts'
import type { PageLayout } from './layout.ts'

export const notices = {
  'missed-events': {
    level: 'data-loss',
    help: 'Places where the ring buffer lost events; record with a larger buffer (trace-cmd record -b).',
  },
  overrun: {
    level: 'data-loss',
    help: 'Events that the kernel says it overwrote or dropped, most often before the trace begins.',
  },
  'cut-short': {
    level: 'data-loss',
    help: 'CPUs whose data ends early: the file is cut short. What they recorded after that is missing.',
  },
  'broken-chunk': {
    level: 'data-loss',
    help: 'Compressed chunks that could not be unpacked; their events are missing.',
  },
  'broken-page': {
    level: 'data-loss',
    help: 'Ring-buffer pages that contradict themselves; the rest of each page is missing.',
  },
  'index-lost': {
    level: 'data-loss',
    help: 'The list of CPUs at the end of the file is missing; their data was found by walking through it.',
  },
  'cpu-guessed': {
    level: 'error',
    help: 'With that list it is lost which CPUs recorded nothing: events may stand under a CPU of a lower number.',
  },
  'unknown-event': { level: 'error', help: 'Records with an event id of which the trace holds no format.' },
  'short-record': { level: 'error', help: 'Records shorter than their format says.' },
  'value-out-of-range': {
    level: 'error',
    help: 'Events with a value that cannot be one, such as a page frame number of 2^32−1 or more.',
  },
  'time-backwards': {
    level: 'error',
    help: 'Events stamped before their predecessor on the same CPU; they are given its time.',
  },
  'several-buffers': { level: 'note', help: 'Tracing instances in the file beside the first; all are read as one.' },
} as const satisfies Record<string, Notice>

export type Cause = keyof typeof notices

/** Sub-bits of `commit`. Source: include/linux/ring_buffer.h, kernel/trace/ring_buffer.c */
const COMMIT_MASK = 0x7ff_ffff
const MISSED_EVENTS = 0x8000_0000
const MISSED_STORED = 0x4000_0000

const PADDING = 29
const TIME_EXTEND = 30
const TIME_STAMP = 31
/** An absolute stamp has 59 bits; the rest comes from the page's stamp. */
const STAMP_TOP = 0xf800_0000_0000_0000n

/** `common_flags` → the bits of `spine.context`. */
export const contextOf = Uint8Array.from(
  { length: 256 },
  (_, flags) =>
    ((flags & 16) !== 0 ? 1 : 0) |
    ((flags & 8) !== 0 ? 2 : 0) |
    ((flags & 64) !== 0 ? 4 : 0) |
    ((flags & 1) !== 0 ? 8 : 0),
)

export interface PageReaderOptions {
  readonly builder: EventBuilder
  readonly window: Window
  readonly tally: Tally<Cause>
  readonly decoderOf: (id: number) => Decoder | undefined
  readonly commOf: (pid: number) => number
  /** Where in the file the CPU's data stands now. */
  readonly place: () => Place
}

/** Walks ring-buffer pages and adds their events to the builder, one CPU after another. */
export class PageReader {
  readonly #options: PageReaderOptions
  readonly #decoders: (Decoder | null | undefined)[] = new Array(0x10000).fill(undefined)
  /** ns of the trace's clock at which `builder.zero` stands; set by the first page met. */
  #zero: bigint | undefined
  #layout: PageLayout = { little: true, pageSize: 4096, commitAt: 8, longSize: 8, dataAt: 16 }
  #cpu = 0
  #rest: Uint8Array = new Uint8Array(0)
  /** Whether the last page of this CPU breaks off. */
  torn = false
  #last = Number.NEGATIVE_INFINITY
  #pid = 0
  #comm = ABSENT_COMM

  constructor(options: PageReaderOptions) {
    this.#options = options
  }

  startCpu(cpu: number, layout: PageLayout): void {
    this.#cpu = cpu
    this.#layout = layout
    this.#rest = new Uint8Array(0)
    this.torn = false
    this.#last = Number.NEGATIVE_INFINITY
  }

  /** Events of this CPU are missing from here on. */
  gap(cause: Cause, count: number = ABSENT.u32, time = this.#last): void {
    const { builder, tally, place } = this.#options
    tally.count(cause, place())
    const table = builder.tables.lost
    const slot = table.push()
    ;(table.column.count.data as Uint32Array)[slot] = count
    // Where nothing of this CPU was read this is −∞: the start of the trace, wherever that will be.
    this.#last = Math.max(this.#last, time)
    builder.add(this.#last, this.#cpu, ABSENT_PID, ABSENT_COMM, ABSENT_CONTEXT, Kind.lost, slot)
  }

  /** Reads pages. What is left of a page at the end is kept for the next call, unless it is the last. */
  read(bytes: Uint8Array, last: boolean): void {
    const { window } = this.#options
    const { pageSize, dataAt } = this.#layout
    const all = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes])
    window.bytes = all
    window.view = new DataView(all.buffer, all.byteOffset, all.byteLength)
    let page = 0
    for (; page + pageSize <= all.length; page += pageSize) this.#page(page, page + pageSize)
    this.#rest = all.subarray(page)
    if (!last || this.#rest.length === 0) return
    if (this.#rest.length >= dataAt) this.#page(page, all.length)
    else this.torn = true
  }

  #page(page: number, pageEnd: number): void {
    const { builder, window } = this.#options
    const layout = this.#layout
    const { little } = layout
    const { view } = window
    const commit = view.getUint32(page + layout.commitAt, little)
    const size = commit & COMMIT_MASK
    const data = page + layout.dataAt
    if (size === 0 && (commit & MISSED_EVENTS) === 0) return
    const stamp = view.getBigUint64(page, little)
    this.#zero ??= stamp - (stamp % 1_000_000_000n)
    builder.zero = Number(this.#zero / 1_000_000_000n)
    const time = Number(stamp - this.#zero)
    const whole = data + size <= page + layout.pageSize
    if (!whole || !Number.isSafeInteger(time)) {
      this.gap('broken-page')
      return
    }
    if ((commit & MISSED_EVENTS) !== 0) {
      let count: number = ABSENT.u32
      const stored = data + size
      if ((commit & MISSED_STORED) !== 0 && stored + layout.longSize <= pageEnd) {
        const low = view.getUint32(stored + (little || layout.longSize === 4 ? 0 : 4), little)
        if (low > 0) count = low
      }
      this.gap('missed-events', count, time)
    }
    const end = Math.min(data + size, pageEnd)
    // A page cut off by the end of the data is the caller's to report, once for the CPU.
    if (end < data + size) this.torn = true
    if (!this.#walk(data, end, stamp, time) && !this.torn) this.gap('broken-page')
  }

  /** Adds the events of a page's data; false where a record runs out of it. */
  #walk(data: number, end: number, stamp: bigint, start: number): boolean {
    const { little } = this.#layout
    const { view } = this.#options.window
    let time = start
    let at = data
    while (at < end) {
      if (at + 4 > end) return false
      const head = view.getUint32(at, little)
      const type = little ? head & 31 : head >>> 27
      const delta = little ? head >>> 5 : head & 0x7ff_ffff
      at += 4
      if (type === PADDING && delta === 0) return true
      if (type > 0 && type < PADDING) {
        const length = type * 4
        if (at + length > end) return false
        time += delta
        this.#record(at, length, time)
        at += length
        continue
      }
      if (at + 4 > end) return false
      const word = view.getUint32(at, little)
      if (type === TIME_EXTEND || type === TIME_STAMP) {
        time =
          type === TIME_EXTEND
            ? time + word * 0x800_0000 + delta
            : Number((BigInt(word) << 27n) + BigInt(delta) + (stamp & STAMP_TOP) - this.#zero!)
        if (!Number.isSafeInteger(time)) return false
        at += 4
        continue
      }
      // Both count from here; rounded up in case it isn't a multiple of four, as libtraceevent does.
      const length = Math.ceil(word / 4) * 4
      if (length < 4 || at + length > end) return false
      time += delta
      // Padding with a delta is a discarded event; otherwise the length stands before a long record.
      if (type === 0 && length > 4) this.#record(at + 4, length - 4, time)
      at += length
    }
    return true
  }

  #record(at: number, length: number, stamp: number): void {
    const { builder, window, tally, place } = this.#options
    const { little } = this.#layout
    const { view } = window
    const id = view.getUint16(at, little)
    let decoder = this.#decoders[id]
    if (decoder === undefined) {
      decoder = this.#options.decoderOf(id) ?? null
      this.#decoders[id] = decoder
    }
    if (decoder === null) {
      tally.count('unknown-event', place())
      return
    }
    if (length < decoder.need) {
      tally.count('short-record', place())
      return
    }
    let slot = decoder.row(at, length)
    if (slot < 0 && decoder.otherwise !== undefined) {
      decoder = decoder.otherwise
      slot = decoder.row(at, length)
    }
    if (slot < 0) {
      tally.count('value-out-of-range', place())
      return
    }
    let time = stamp
    if (time < this.#last) {
      tally.count('time-backwards', place())
      time = this.#last
    }
    this.#last = time
    const pid = view.getInt32(at + decoder.pidAt, little)
    if (pid !== this.#pid || this.#comm === ABSENT_COMM) {
      this.#pid = pid
      this.#comm = this.#options.commOf(pid)
    }
    const context = decoder.flagsAt < 0 ? ABSENT_CONTEXT : contextOf[view.getUint8(at + decoder.flagsAt)]!
    builder.add(time, this.#cpu, pid, this.#comm, context, decoder.kind, slot)
  }
}
