import type { Events, Recording } from '#events'
import { EXCHANGE_MARK } from '#events/exchange'
import { type Release, unameOf } from '#kernel'

/** What a writer writes: events in runs, which it may walk more than once, and what is said of all of them. */
export interface Written {
  readonly batches: Iterable<Events>
  readonly zero: number
  readonly resolutionNs: number
  readonly clock?: string
  readonly release?: Release
}

/** A recording as a writer takes it. */
export const writtenOf = ({ events, resolutionNs, clock, machine: { release } }: Recording): Written => ({
  batches: [events],
  zero: events.zero,
  resolutionNs,
  ...(clock === undefined ? {} : { clock }),
  ...(release === undefined ? {} : { release }),
})

/** What formats of kreplay's own say of the whole trace: who wrote it in which form, its clock, its kernel. */
export const settingsOf = ({ zero, resolutionNs, clock, release }: Written) => ({
  kreplay: EXCHANGE_MARK.slice(2),
  zero,
  resolutionNs,
  ...(clock === undefined ? {} : { clock }),
  ...(release === undefined ? {} : { uname: unameOf(release) }),
})

/** One format that kreplay writes. To add one, write a file and name it in the list in `index.ts`. */
export interface Writer {
  readonly id: string
  /** With its dot. `.gz` and `.zst` may follow it in a path. */
  readonly extension: string
  /** Whether the format is compressed within, so that `.gz` and `.zst` are refused. */
  readonly packed?: true
  /** The file in pieces, so that no format needs the whole of it in memory. */
  write(written: Written): AsyncIterable<string | Uint8Array>
}
