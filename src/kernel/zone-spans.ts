import type { Zone } from './machine.ts'
import type { Pfn } from './units.ts'

type Span = Pick<Zone, 'startPfn' | 'spanned' | 'present'>

/** A stretch of page frames of one zone. */
interface Piece {
  readonly start: Pfn
  /** First page frame behind it. */
  readonly end: Pfn
  readonly zone: number
}

/** Finds the zone of a page. Spans of two nodes may overlap: their memory is interleaved. */
export class ZoneSpans {
  readonly #starts: readonly number[]
  readonly #ends: readonly number[]
  readonly #zones: readonly number[]
  #last = 0

  constructor(zones: readonly Span[]) {
    const pieces = piecesOf(zones)
    this.#starts = pieces.map(({ start }) => start)
    this.#ends = pieces.map(({ end }) => end)
    this.#zones = pieces.map(({ zone }) => zone)
  }

  /** Index of the page's zone; −1 for a page outside every zone. */
  of(pfn: Pfn): number {
    // Pages come in runs of one zone.
    const last = this.#last
    if (pfn >= this.#starts[last]! && pfn < this.#ends[last]!) return this.#zones[last]!
    for (let piece = 0; piece < this.#starts.length; piece++) {
      if (pfn < this.#starts[piece]! || pfn >= this.#ends[piece]!) continue
      this.#last = piece
      return this.#zones[piece]!
    }
    return -1
  }
}

/** The zone a page lies in, as an index into `zones`; undefined for a page outside every zone. */
export function zoneOf(zones: readonly Span[], pfn: Pfn): number | undefined {
  const at = new ZoneSpans(zones).of(pfn)
  return at < 0 ? undefined : at
}

/**
 * Each page frame that some zone spans goes to one zone. Where two spans overlap, `present` says how many page frames of the overlap each
 * zone has. A zone inside another one has all of its span. Of two that cross, the later one begins and the earlier one ends the
 * overlap, since the first and the last page frame of a span exist.
 */
function piecesOf(zones: readonly Span[]): Piece[] {
  const inOrder = zones
    .map(({ startPfn, spanned, present }, zone) => ({ start: startPfn, end: startPfn + spanned, present, zone }))
    .filter(({ start, end }) => end > start)
    .sort((a, b) => a.start - b.start || b.end - a.end)
  let pieces: Piece[] = []
  for (const later of inOrder) {
    const cut = pieces.filter(({ end }) => end > later.start)
    if (cut.length === 0) {
      pieces.push(later)
      continue
    }
    const kept = pieces.filter(({ end }) => end <= later.start)
    const last = Math.max(...cut.map(({ end }) => end))
    // The later zone's own page frames behind the overlap are its alone.
    const behind = Math.max(0, later.end - last)
    const within = last >= later.end ? later.end - later.start : Math.max(0, later.present - behind)
    const until = Math.min(later.start + within, Math.min(last, later.end))
    for (const piece of cut) {
      if (piece.start < later.start) kept.push({ ...piece, end: later.start })
      if (piece.end > until) kept.push({ ...piece, start: Math.max(piece.start, until) })
    }
    if (until > later.start) kept.push({ start: later.start, end: until, zone: later.zone })
    if (behind > 0) kept.push({ start: last, end: later.end, zone: later.zone })
    pieces = kept.filter(({ start, end }) => end > start).sort((a, b) => a.start - b.start)
  }
  return pieces
}
