import { type EventBuilder, Kind } from '#events'
import { ABSENT, ABSENT_COMM, ABSENT_CONTEXT, ABSENT_PID } from '#events/columns'
import { NS_PER_SECOND } from '#kernel'
import type { Place, Tally } from '#kernel/messages'
import type { Decoder, Window } from './decoder-types.ts'
import type { PageLayout } from './layout.ts'
import type { Cause } from './notices.ts'
import type { Stretch } from './stretches.ts'

/** Sub-bits of `commit`. Source: include/linux/ring_buffer.h, kernel/trace/ring_buffer.c */
const COMMIT_MASK = 0x7ff_ffff
const MISSED_EVENTS = 0x8000_0000
const MISSED_STORED = 0x4000_0000

const PADDING = 29
const TIME_EXTEND = 30
const TIME_STAMP = 31
/** An absolute stamp has 59 bits; the rest comes from the page's stamp. */
const STAMP_TOP = 0xf800_0000_0000_0000n

/** `common_flags` → the bits of `commonFields.context`. */
export const contextOf = Uint8Array.from(
  { length: 256 },
  (_, flags) =>
    ((flags & 16) !== 0 ? 1 : 0) |
    ((flags & 8) !== 0 ? 2 : 0) |
    ((flags & 64) !== 0 ? 4 : 0) |
    ((flags & 1) !== 0 ? 8 : 0),
)

/** Where the records of all CPUs go. */
export interface Sink {
  readonly builder: EventBuilder
  readonly tally: Tally<Cause>
  readonly decoderOf: (id: number) => Decoder | null
  readonly commOf: (pid: number) => number
  /** Called when a stretch is read. */
  readonly onStretch: (stretch: Stretch) => void
}

interface Gap {
  readonly cause: Cause
  readonly count: number
  readonly time: number
}

/** How one CPU's data lies in the file, and how its stamps are read. */
export interface CpuSource {
  readonly cpu: number
  readonly file: string
  readonly layout: PageLayout
  readonly stretches: Iterator<Stretch>
  /** Moment of the trace's clock from which all CPUs' times count; the first page met sets it. */
  readonly base: Base
  /** A stamp of the clock in ns; absent where it is that already. */
  readonly toNs?: ((stamp: bigint) => bigint) | undefined
}

export interface Base {
  ns: bigint | undefined
}

/** Adds to the events a loss on a CPU. */
export function addLoss({ builder }: Sink, cpu: number, time: number, count: number): void {
  const table = builder.tables.lost
  const slot = table.push()
  table.column.count.data[slot] = count
  builder.add(time, cpu, ABSENT_PID, ABSENT_COMM, ABSENT_CONTEXT, Kind.lost, slot)
}

/** Walks the ring-buffer pages of one CPU, a record or a loss at a time, so that all CPUs can be read in the order of time. */
export class CpuRecords {
  readonly #source: CpuSource
  readonly #sink: Sink
  readonly #little: boolean
  readonly #window: Window = { view: new DataView(new ArrayBuffer(0)), bytes: new Uint8Array(0) }
  #stretch: Stretch | undefined
  /** Bytes of the stretches before it. */
  #before = 0
  /** What the last stretch left of a page. */
  #rest: Uint8Array = new Uint8Array(0)
  /** The next page in the window, and the end of those there. */
  #page = 0
  #pagesEnd = 0
  /** Where in the page the walk stands, and its end. */
  #at = 0
  #end = 0
  #stamp = 0n
  /** The last record's stamp, from `#origin` on. */
  #now = 0
  #origin = 0n
  #torn = false
  #ended = false
  readonly #gaps: Gap[] = []
  /** The record that stands next; of length 0 where a gap does. */
  #record = 0
  #length = 0
  #backwards = false
  #pid = 0
  #comm = ABSENT_COMM
  /** Time of what stands next: of a gap before all records −∞, which is the start of the trace, wherever that will be. */
  time = Number.NEGATIVE_INFINITY

  constructor(source: CpuSource, sink: Sink) {
    this.#source = source
    this.#sink = sink
    this.#little = source.layout.little
  }

  /** Goes on to the next record or gap; false where nothing is left. */
  advance(): boolean {
    for (;;) {
      const gap = this.#gaps[0]
      if (gap !== undefined) {
        this.#length = 0
        this.time = Math.max(this.time, gap.time)
        return true
      }
      if (this.#at < this.#end) {
        if (this.#walk()) return true
      } else if (!this.#openPage() && !this.#openStretch() && !this.#finish()) return false
    }
  }

  /**
   * Adds to the events what stands next, and what follows it up to a moment. `isBefore`: and at that moment. False where nothing is left.
   */
  emitUntil(until: number, isBefore: boolean): boolean {
    do {
      if (this.#length > 0 && this.#gaps.length === 0 && this.#source.toNs === undefined) this.#emitUsual(until)
      this.#emit()
      if (!this.advance()) return false
    } while (this.time < until || (this.time === until && isBefore))
    return true
  }

  /**
   * The same for plain records that follow one another in a page, as nearly all do: with nothing to look up but the record. The last of them
   * stands next after it; so does whatever is not plain.
   */
  #emitUsual(until: number): void {
    const { builder, decoderOf, commOf } = this.#sink
    const { cpu } = this.#source
    const window = this.#window
    const { view, bytes } = window
    const little = this.#little
    const end = this.#end
    let at = this.#at
    let record = this.#record
    let length = this.#length
    let { time } = this
    // A record that goes back in time is counted.
    while (!this.#backwards && at + 4 <= end) {
      const head = view.getUint32(at, little)
      const type = little ? head & 31 : head >>> 27
      const next = this.#now + (little ? head >>> 5 : head & 0x7ff_ffff)
      if (type === 0 || type >= PADDING || at + 4 + type * 4 > end || next >= until || next < time) break
      const decoder = decoderOf(view.getUint16(record, little))
      if (decoder === null || length < decoder.need) break
      const slot = decoder.row(window, record, length)
      if (slot < 0) break
      const pid = view.getInt32(record + decoder.pidAt, little)
      if (pid !== this.#pid || this.#comm === ABSENT_COMM) {
        this.#pid = pid
        this.#comm = commOf(pid)
      }
      const context = decoder.flagsAt < 0 ? ABSENT_CONTEXT : contextOf[bytes[record + decoder.flagsAt]!]!
      builder.add(time, cpu, pid, this.#comm, context, decoder.kind, slot)
      record = at + 4
      length = type * 4
      at = record + length
      this.#now = next
      time = next
    }
    this.#at = at
    this.#record = record
    this.#length = length
    this.time = time
  }

  /** Adds to the events what stands next. */
  #emit(): void {
    if (this.#length > 0) this.#addRecord()
    else addLoss(this.#sink, this.#source.cpu, this.time, this.takeGap())
  }

  /** Takes the gap that stands next away; how many events it cost. */
  takeGap(): number {
    return this.#gaps.shift()!.count
  }

  get cpu(): number {
    return this.#source.cpu
  }

  /** Bytes of the file that the records so far stand in. */
  get done(): number {
    const size = this.#stretch?.size ?? 0
    return this.#before + (this.#pagesEnd === 0 ? size : (size * this.#at) / this.#pagesEnd)
  }

  /** Times count from `ns` later on. */
  rebase(ns: number): void {
    this.time -= ns
    if (this.#source.toNs !== undefined) return
    this.#now -= ns
    this.#origin += BigInt(ns)
  }

  get #place(): Place {
    return { file: this.#source.file, byte: this.#stretch?.at ?? 0 }
  }

  /** Events are missing from here on. */
  #gap(cause: Cause, count: number = ABSENT.u32, time = Number.NEGATIVE_INFINITY): void {
    this.#sink.tally.count(cause, this.#place)
    this.#gaps.push({ cause, count, time })
  }

  #addRecord(): void {
    const { builder, tally } = this.#sink
    const window = this.#window
    const at = this.#record
    const length = this.#length
    let decoder = this.#sink.decoderOf(window.view.getUint16(at, this.#little))
    if (decoder === null) {
      tally.count('unknown-event', this.#place)
      return
    }
    if (length < decoder.need) {
      tally.count('short-record', this.#place)
      return
    }
    let slot = decoder.row(window, at, length)
    if (slot < 0 && decoder.otherwise !== undefined) {
      decoder = decoder.otherwise
      slot = decoder.row(window, at, length)
    }
    if (slot < 0) {
      tally.count('value-out-of-range', this.#place)
      return
    }
    if (this.#backwards) tally.count('time-backwards', this.#place)
    const pid = window.view.getInt32(at + decoder.pidAt, this.#little)
    if (pid !== this.#pid || this.#comm === ABSENT_COMM) {
      this.#pid = pid
      this.#comm = this.#sink.commOf(pid)
    }
    const context = decoder.flagsAt < 0 ? ABSENT_CONTEXT : contextOf[window.bytes[at + decoder.flagsAt]!]!
    builder.add(this.time, this.#source.cpu, pid, this.#comm, context, decoder.kind, slot)
  }

  /** Goes on to the next record in the page; false where there is none. */
  #walk(): boolean {
    const little = this.#little
    const { view } = this.#window
    const end = this.#end
    let at = this.#at
    while (at < end) {
      if (at + 4 > end) return this.#breakOff()
      const head = view.getUint32(at, little)
      const type = little ? head & 31 : head >>> 27
      const delta = little ? head >>> 5 : head & 0x7ff_ffff
      at += 4
      if (type > 0 && type < PADDING) {
        const length = type * 4
        if (at + length > end) return this.#breakOff()
        this.#at = at + length
        this.#meet(at, length, this.#now + delta)
        return true
      }
      if (type === PADDING && delta === 0) break
      if (at + 4 > end) return this.#breakOff()
      const word = view.getUint32(at, little)
      if (type === TIME_EXTEND || type === TIME_STAMP) {
        this.#now =
          type === TIME_EXTEND
            ? this.#now + word * 0x800_0000 + delta
            : Number((BigInt(word) << 27n) + BigInt(delta) + (this.#stamp & STAMP_TOP) - this.#origin)
        if (!Number.isSafeInteger(this.#now)) return this.#breakOff()
        at += 4
        continue
      }
      // Both count from here; rounded up in case it isn't a multiple of four, as libtraceevent does.
      const length = Math.ceil(word / 4) * 4
      if (length < 4 || at + length > end) return this.#breakOff()
      // Padding with a delta is a discarded event; otherwise the length stands before a long record.
      if (type === 0 && length > 4) {
        this.#at = at + length
        this.#meet(at + 4, length - 4, this.#now + delta)
        return true
      }
      this.#now += delta
      at += length
    }
    this.#at = end
    return false
  }

  /** A record stands next. */
  #meet(at: number, length: number, now: number): void {
    this.#record = at
    this.#length = length
    this.#now = now
    const time = this.#timeOf(now)
    this.#backwards = time < this.time
    if (!this.#backwards) this.time = time
  }

  /** ns from the base on. */
  #timeOf(now: number): number {
    const { toNs, base } = this.#source
    return toNs === undefined ? now : Number(toNs(this.#origin + BigInt(now)) - base.ns!)
  }

  /** The page contradicts itself, or the data ends in it: reported once for the CPU, when its last stretch is done. */
  #breakOff(): false {
    this.#at = this.#end
    if (!this.#torn) this.#gap('broken-page')
    return false
  }

  #openPage(): boolean {
    if (this.#page >= this.#pagesEnd) return false
    const { layout } = this.#source
    const { view } = this.#window
    const page = this.#page
    const pageEnd = Math.min(page + layout.pageSize, this.#pagesEnd)
    this.#page = pageEnd
    const commit = view.getUint32(page + layout.commitAt, layout.little)
    const size = commit & COMMIT_MASK
    if (size === 0 && (commit & MISSED_EVENTS) === 0) return true
    this.#stamp = view.getBigUint64(page, layout.little)
    this.#now = this.#startAt(this.#stamp)
    const stored = page + layout.dataAt + size
    if (stored > page + layout.pageSize || !Number.isSafeInteger(this.#now)) {
      this.#gap('broken-page')
      return true
    }
    if ((commit & MISSED_EVENTS) !== 0) {
      let count: number = ABSENT.u32
      if ((commit & MISSED_STORED) !== 0 && stored + layout.longSize <= pageEnd) {
        const low = view.getUint32(stored + (layout.little || layout.longSize === 4 ? 0 : 4), layout.little)
        if (low > 0) count = low
      }
      this.#gap('missed-events', count, this.#timeOf(this.#now))
    }
    this.#at = page + layout.dataAt
    this.#end = Math.min(stored, pageEnd)
    if (this.#end < stored) this.#torn = true
    return true
  }

  /** A page's stamp from the origin on; the first page sets it. */
  #startAt(stamp: bigint): number {
    const { base, toNs } = this.#source
    const ns = toNs?.(stamp) ?? stamp
    base.ns ??= ns - (ns % BigInt(NS_PER_SECOND))
    if (this.#origin === 0n) this.#origin = toNs === undefined ? base.ns : stamp
    return Number(stamp - this.#origin)
  }

  /** Takes the next stretch of pages into the window; false where there is none. */
  #openStretch(): boolean {
    const { stretches, layout } = this.#source
    if (this.#stretch?.last === true) return false
    const next = stretches.next()
    if (next.done === true) return false
    const stretch = next.value
    this.#before += this.#stretch?.size ?? 0
    this.#stretch = stretch
    if (stretch.problem === 'broken-chunk') this.#gap('broken-chunk')
    else {
      const bytes = this.#rest.length === 0 ? stretch.bytes : Buffer.concat([this.#rest, stretch.bytes])
      const whole = bytes.length - (bytes.length % layout.pageSize)
      // A copy: the stretch's bytes hold only until the next one is asked for.
      this.#rest = Uint8Array.from(bytes.subarray(whole))
      this.#window.bytes = bytes
      this.#window.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
      this.#page = 0
      this.#pagesEnd = whole
      // The data ends inside a page.
      if (stretch.last && this.#rest.length >= layout.dataAt) this.#pagesEnd = bytes.length
      else if (stretch.last && this.#rest.length > 0) this.#torn = true
    }
    this.#sink.onStretch(stretch)
    return true
  }

  /** At the end of the data it is reported, once for the CPU, that the file ends too early. */
  #finish(): boolean {
    if (this.#ended) return false
    this.#ended = true
    const isCut = this.#torn || this.#stretch?.problem === 'cut-short'
    if (isCut) this.#gap('cut-short')
    return isCut
  }
}
