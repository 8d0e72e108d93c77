import { PbfWriter } from 'pbf'
import { cleanText, counted } from '#kernel/messages'
import type { Comparison, PcpComparison, Run } from '#metrics'
import { timelinesOf } from './timeline.ts'
import { onTraceClock } from './trace-clock.ts'

/**
 * A comparison as a Perfetto trace, which ui.perfetto.dev and trace_processor open: a group of tracks for the record and for each
 * policy, with counters over time, and drains, waits, grace periods and kswapd as slices.
 *
 * Source: protos/perfetto/trace/trace_packet.proto and track_event/track_event.proto, track_descriptor.proto, counter_descriptor.proto
 * of google/perfetto (read on 1 Dec 2026 at commits 02603952, 005055c9, 077b18e7, 9b959b7c).
 */
export function renderPerfetto(result: Comparison): Uint8Array {
  const trace = new Trace()
  const comparison = onTraceClock(result)
  for (const timeline of timelinesOf(comparison)) {
    const seconds = (t: number): number => Math.round(t * 1e9)
    for (const { name, values } of timeline.lines) {
      const group = trace.group(`${timeline.capture}: ${name}`)
      for (const { id, title, kind } of timeline.measures) {
        const points = values[id]
        if (points === undefined) continue
        const counter = trace.counter(group, kind === 'sum' ? `${title}, by step` : title)
        points.forEach((value, at) => {
          trace.count(counter, seconds(timeline.t[at] ?? 0), value)
        })
      }
      if (comparison.family === 'pcp') addSlices(trace, group, comparison, timeline.capture, name)
    }
  }
  return trace.finish()
}

const RECORDED = 'recorded'

function addSlices(trace: Trace, group: number, comparison: PcpComparison, capture: string, name: string): void {
  const run = comparison.runs.find((one) => one.capture === capture && one.policy === name)
  if (run !== undefined) addRun(trace, group, run)
  const row = comparison.recorded.find((one) => one.capture === capture)
  if (name !== RECORDED || row === undefined) return
  const { requests, kswapd, losses, gracePeriods } = row.marks
  const asked = trace.track(group, 'drain requests')
  requests.t.forEach((t, at) => {
    trace.instant(asked, t, `drain request by CPU ${requests.cpu[at]}`)
  })
  const balances = trace.track(group, 'kswapd balances')
  kswapd.t.forEach((t, at) => {
    trace.slice(balances, t, kswapd.durationNs[at] ?? 0, 'kswapd balances')
  })
  if (losses.t.length > 0) {
    const lost = trace.track(group, 'events lost')
    losses.t.forEach((t, at) => {
      trace.instant(lost, t, `events of CPU ${losses.cpu[at]} lost`)
    })
  }
  if (gracePeriods === undefined || gracePeriods.t.length === 0) return
  const periods = trace.track(group, 'grace periods')
  gracePeriods.t.forEach((t, at) => {
    trace.slice(periods, t, gracePeriods.durationNs[at] ?? 0, 'grace period')
  })
}

/** Counters and bulk frees of each CPU, and what requesters of drains wait for. */
function addRun(trace: Trace, group: number, { series, drain }: Run): void {
  const { cachedPages, sums, bursts, drainWaits } = series
  for (const [cpu, pages] of Object.entries(cachedPages.cpus)) {
    const counter = trace.counter(group, `pages on lists of CPU ${cpu}`)
    pages.forEach((value, at) => {
      trace.count(counter, cachedPages.t[at] ?? 0, value)
    })
  }
  for (const [cpu, refills] of Object.entries(sums?.refillsOf ?? {})) {
    const counter = trace.counter(group, `refills of CPU ${cpu}, by step`)
    refills.forEach((value, at) => {
      trace.count(counter, sums?.t[at] ?? 0, value)
    })
  }
  const tracks = new Map<number, number>()
  bursts.t.forEach((t, at) => {
    const cpu = bursts.cpu[at] ?? 0
    const track = tracks.get(cpu) ?? trace.track(group, `bulk frees of CPU ${cpu}`)
    tracks.set(cpu, track)
    trace.instant(track, t, `${bursts.requested[at] ? 'drained' : 'freed'} ${counted(bursts.pages[at] ?? 0, 'page')}`)
  })
  if (drainWaits === undefined || drainWaits.t.length === 0) return
  // Requests may overlap, and slices of one track may not.
  const lanes: { readonly track: number; free: number }[] = []
  drainWaits.t.forEach((t, at) => {
    const ns = drainWaits.durationNs[at] ?? 0
    let lane = lanes.find(({ free }) => free <= t)
    if (lane === undefined) {
      lane = { track: trace.track(group, `waits for drains (${drain})`), free: t }
      lanes.push(lane)
    }
    lane.free = t + ns
    trace.slice(lane.track, t, ns, drain === 'rcu-swap' ? 'wait for a grace period' : 'wait for a drain')
  })
}

const SLICE_BEGIN = 1
const SLICE_END = 2
const INSTANT = 3
const COUNTER = 4
/** All packets are of one sequence; its first says that nothing came before. */
const SEQUENCE = 1
const STATE_CLEARED = 1

interface TrackEvent {
  readonly type: number
  readonly track: number
  readonly name?: string
  readonly value?: number
}

function writeTrackEvent({ type, track, name, value }: TrackEvent, pbf: PbfWriter): void {
  pbf.writeVarintField(9, type)
  pbf.writeVarintField(11, track)
  if (name !== undefined) pbf.writeStringField(23, name)
  if (value === undefined) return
  if (Number.isInteger(value)) pbf.writeVarintField(30, value)
  else pbf.writeDoubleField(44, value)
}

interface TrackDescriptor {
  readonly uuid: number
  readonly parent?: number
  readonly name: string
  readonly isCounter: boolean
}

function writeTrackDescriptor({ uuid, parent, name, isCounter }: TrackDescriptor, pbf: PbfWriter): void {
  pbf.writeVarintField(1, uuid)
  pbf.writeStringField(2, cleanText(name))
  if (parent !== undefined) pbf.writeVarintField(5, parent)
  if (isCounter) pbf.writeMessage(8, () => {}, {})
}

/** Packets of a Perfetto trace, one after the other. */
class Trace {
  readonly #pbf = new PbfWriter()
  #tracks = 0
  #packets = 0

  group(name: string): number {
    return this.#describe({ name, isCounter: false })
  }

  track(parent: number, name: string): number {
    return this.#describe({ parent, name, isCounter: false })
  }

  counter(parent: number, name: string): number {
    return this.#describe({ parent, name, isCounter: true })
  }

  count(track: number, ns: number, value: number): void {
    this.#event(ns, { type: COUNTER, track, value })
  }

  instant(track: number, ns: number, name: string): void {
    this.#event(ns, { type: INSTANT, track, name })
  }

  slice(track: number, ns: number, durationNs: number, name: string): void {
    this.#event(ns, { type: SLICE_BEGIN, track, name })
    this.#event(ns + durationNs, { type: SLICE_END, track })
  }

  finish(): Uint8Array {
    return this.#pbf.finish()
  }

  #describe(track: Omit<TrackDescriptor, 'uuid'>): number {
    const uuid = ++this.#tracks
    this.#packet((pbf) => pbf.writeMessage(60, writeTrackDescriptor, { uuid, ...track }))
    return uuid
  }

  #event(ns: number, event: TrackEvent): void {
    this.#packet((pbf) => {
      pbf.writeVarintField(8, Math.max(0, Math.round(ns)))
      pbf.writeMessage(11, writeTrackEvent, event)
    })
  }

  #packet(write: (pbf: PbfWriter) => void): void {
    const isFirst = this.#packets++ === 0
    this.#pbf.writeMessage(
      1,
      (_: null, pbf: PbfWriter) => {
        pbf.writeVarintField(10, SEQUENCE)
        if (isFirst) pbf.writeVarintField(13, STATE_CLEARED)
        write(pbf)
      },
      null,
    )
  }
}
