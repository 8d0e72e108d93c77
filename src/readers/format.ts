import type { Events } from '#events'
import type { Release, TallyEntry } from '#kernel'

/** One trace's bytes, unwrapped of gzip and zstd, with what a reader may need to know of where they came from. */
export interface TraceSource {
  /** As error messages name it. */
  readonly name: string
  readonly bytes: Uint8Array
  /** From the capture's `uname`: which names gfp flags have in text. */
  readonly release?: Release
  readonly onProgress?: (doneBytes: number, totalBytes: number) => void
}

/** What a reader makes of a trace. */
export interface ReadTrace {
  /** The format with its version and compression, e.g. `trace.dat v7 (zstd)`. */
  readonly format: string
  readonly events: Events
  /** What was skipped, by cause. */
  readonly tally: readonly TallyEntry[]
  /** Trace clock by its kernel name. */
  readonly clock?: string
  /** Step of the recorded stamps: 1, or 1000 for text with six digits. */
  readonly resolutionNs: number
  /** `uname -a` of the recording machine, where the trace itself holds it. */
  readonly uname?: string
  /** Text formats: lines = comments + events + the sum of the tally. */
  readonly lines?: { readonly total: number; readonly comments: number; readonly events: number }
}

/** One format that kreplay reads. To add one, write a file and name it in the list in `index.ts`. */
export interface TraceFormat {
  readonly id: string
  /** Whether this could be its file, by the first bytes (up to 64 KiB). The first format in the list that says yes reads it. */
  sniff(head: Uint8Array): boolean
  /** Throws a TraceError where the input can't be read; counts in the tally what can be skipped. */
  read(source: TraceSource): ReadTrace | Promise<ReadTrace>
}
