import type { Cpu, Ns } from '#kernel'
import { Channel, type Held, type WorkItem } from '#policies/kvfree'
import { DelayedExecutor, type Delays, freeInPieces } from './delays.ts'
import type { CallbackRun, WorkRun } from './recorded-works.ts'
import type { Clock, Executor, Piece } from './types.ts'

/**
 * Work that is queued later than its rules say by more than this is other work. Emulators stop a CPU for tens of milliseconds; the
 * drain intervals that must be distinguished differ by seconds.
 */
const LATE: Ns = 250e6

interface Track {
  readonly runs: readonly WorkRun[]
  at: number
  /** The one that executes now. */
  current: WorkRun | undefined
}

const keyOf = ({ kind, cpu, slot }: WorkRun['item']): string => `${kind} ${cpu} ${slot}`

/**
 * Begins and ends work items and callbacks when the trace says so, where the trace has one that this can be; else after the delays
 * given. What they free is the policy's own.
 */
export class RecordedExecutor implements Executor {
  readonly #clock: Clock
  readonly #generated: DelayedExecutor
  readonly #delays: Delays
  readonly #tracks = new Map<string, Track>()
  readonly #callbacks: { runs: CallbackRun[]; at: number }[] = []
  /** Times that work or a callback began as recorded, and after a generated delay. */
  readonly matched = { recorded: 0, generated: 0 }

  constructor(clock: Clock, delays: Delays, works: readonly WorkRun[], callbacks: readonly CallbackRun[]) {
    this.#clock = clock
    this.#delays = delays
    this.#generated = new DelayedExecutor(clock, delays)
    const byItem = Map.groupBy(works, ({ item }) => keyOf(item))
    for (const [key, runs] of byItem) this.#tracks.set(key, { runs, at: 0, current: undefined })
    for (const run of callbacks) {
      this.#callbacks[run.cpu] ??= { runs: [], at: 0 }
      this.#callbacks[run.cpu]!.runs.push(run)
    }
  }

  delayed(item: WorkItem, at: Ns, expires: Ns, begin: () => void): () => void {
    const jiffy = 1e9 / this.#clock.hz
    // The phase of the recorded machine's ticks is not known.
    const id = this.#setRecorded(item, Math.max(at, expires - jiffy), expires + LATE, at, begin)
    if (id === undefined) {
      this.matched.generated++
      return this.#generated.delayed(item, at, expires, begin)
    }
    return () => this.#clock.timers.cancel(id)
  }

  queue(item: WorkItem, at: Ns, begin: () => void): void {
    // Whatever was queued before and had not begun yet waited for the same worker.
    if (this.#setRecorded(item, Number.NEGATIVE_INFINITY, at + LATE, at, begin) !== undefined) return
    if (this.#setMissed(item, at, begin)) return
    this.matched.generated++
    this.#generated.queue(item, at, begin)
  }

  /** The record's own began just before this was queued: it begins after the same wait. */
  #setMissed(item: WorkItem, at: Ns, begin: () => void): boolean {
    const track = this.#tracks.get(keyOf(item))
    const last = track?.runs.findLastIndex(({ start }, index) => index >= track.at && start <= at) ?? -1
    const run = track?.runs[last]
    if (track === undefined || run?.queued === undefined || run.start < at - LATE) return false
    this.#beginAt(track, last, begin, at + run.start - run.queued)
    return true
  }

  queueRcuWork(item: WorkItem, begin: () => void): void {
    if (this.#setDetached(item, begin)) return
    this.#clock.afterGracePeriod(item.cpu, () => {
      const { now } = this.#clock
      if (this.#setRecorded(item, now, now + LATE, now, begin) !== undefined) return
      this.matched.generated++
      this.#clock.timers.set(now + this.#delays.callback(item.cpu, now) + this.#delays.work(item, now), begin)
    })
  }

  callRcu(cpu: Cpu, at: Ns, invoke: () => void): void {
    const track = this.#callbacks[cpu]
    while (track !== undefined && track.at < track.runs.length && track.runs[track.at]!.queued < at - LATE) track.at++
    const run = track?.runs[track.at]
    if (track === undefined || run?.invoked === undefined || Math.abs(run.queued - at) > LATE) {
      this.matched.generated++
      this.#generated.callRcu(cpu, at, invoke)
      return
    }
    track.at++
    this.matched.recorded++
    this.#clock.timers.set(run.invoked, invoke)
  }

  synchronizeRcu(item: WorkItem, then: () => void): void {
    this.#generated.synchronizeRcu(item, then)
  }

  free(by: WorkItem | Cpu, held: readonly Held[], piece: Piece, then: () => void): void {
    const run = typeof by === 'number' ? undefined : this.#tracks.get(keyOf(by))?.current
    if (run?.end === undefined) {
      this.#generated.free(by, held, piece, then)
      return
    }
    // The recorded time, shared as the delays say.
    const cost = (one: Held, n: number) =>
      n * (one.channel === Channel.list ? this.#delays.listFree : this.#delays.bulkFree)
    const all = held.reduce((sum, one) => sum + cost(one, one.n), 0)
    const scale = all === 0 ? 0 : Math.max(0, run.end - this.#clock.now) / all
    freeInPieces(this.#clock, held, (one, n) => cost(one, n) * scale, piece, then)
  }

  done(item: WorkItem): void {
    const track = this.#tracks.get(keyOf(item))
    if (track !== undefined) track.current = undefined
  }

  /** Sets `begin` for the recorded work of the batch that was detached about now; false where none was. */
  #setDetached(item: WorkItem, begin: () => void): boolean {
    const track = this.#tracks.get(keyOf(item))
    if (track === undefined) return false
    const { now } = this.#clock
    const at = track.runs.findIndex(
      ({ detached, start }, index) =>
        index >= track.at && detached !== undefined && Math.abs(detached - now) <= LATE && start >= now,
    )
    const run = track.runs[at]
    if (run === undefined) return false
    this.#beginAt(track, at, begin)
    return true
  }

  #beginAt(track: Track, at: number, begin: () => void, moment = track.runs[at]!.start): number {
    const run = track.runs[at]!
    return this.#clock.timers.set(moment, () => {
      track.at = at + 1
      track.current = run
      this.matched.recorded++
      begin()
    })
  }

  /** Sets `begin` for the first execution yet to come that was queued between two moments; undefined where there is none. */
  #setRecorded(item: WorkItem, from: Ns, until: Ns, now: Ns, begin: () => void): number | undefined {
    const track = this.#tracks.get(keyOf(item))
    if (track === undefined) return undefined
    let at = track.at
    const queued = ({ queued: moment, start }: WorkRun): Ns => moment ?? start
    while (at < track.runs.length && (track.runs[at]!.start < now || queued(track.runs[at]!) < from)) at++
    const run = track.runs[at]
    if (run === undefined || queued(run) > until) return undefined
    return this.#beginAt(track, at, begin)
  }
}
