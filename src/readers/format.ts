import { EventBuilder, type Events, type Probes, type Scenario } from '#events'
import type { Release } from '#kernel'
import type { TallyEntry } from '#kernel/messages'

/** One trace's bytes, unwrapped of gzip and zstd, with what a reader may need to know of where they came from. */
export interface TraceSource {
  /** As error messages name it. */
  readonly name: string
  readonly bytes: Uint8Array
  /** From the capture's `uname`: which names gfp flags have in text. */
  readonly release?: Release
  /** What probes’ events are. Default: as `kreplay capture` sets them. */
  readonly probes?: Probes
  /** The capture's copy of /proc/kallsyms, for formats that hold none. */
  readonly kallsyms?: () => Uint8Array
  readonly onProgress?: (doneBytes: number, totalBytes: number) => void
}

/** Bytes of a file, in memory or fetched when they are asked for. */
export type Bytes = Pick<Uint8Array, 'length'> & {
  subarray(from: number, to: number): Uint8Array
  /** The same bytes for one who reads along while others read elsewhere. What it returns holds until the next call. */
  alongside?(): Bytes
}

/** Bytes in a file, which can be fetched into memory that is there. */
export interface FetchedBytes extends Bytes {
  /** Returns how many bytes were read: fewer than asked for only at the file's end. */
  readInto(target: Uint8Array, at: number): number
}

/** A trace of which only those bytes need be in memory that are being read. */
export type FileSource = Omit<TraceSource, 'bytes'> & { readonly bytes: Bytes }

/** What a reader makes of a trace. */
export interface ReadTrace {
  /** The format with its version and compression, e.g. `trace.dat v7 (zstd)`. */
  readonly format: string
  readonly events: Events
  /** What was skipped, by cause. */
  readonly tally: readonly TallyEntry[]
  /** What a workload file holds in place of events. */
  readonly scenario?: Scenario
  /** Trace clock by its kernel name. */
  readonly clock?: string
  /** Events that the file describes, recorded or not. */
  readonly described?: readonly string[]
  /** Gfp flags that the kernel’s table lacks, and the bits that they have in these events. */
  readonly gfpNames?: Readonly<Record<string, number>>
  /** Step of the recorded stamps: 1, or 1000 for text with six digits. */
  readonly resolutionNs: number
  /** `uname -a` of the recording machine, where the trace itself holds it. */
  readonly uname?: string
  /** Text formats: lines = comments + events + the sum of the tally. */
  readonly lines?: { readonly total: number; readonly comments: number; readonly events: number }
}

/** Of a trace that comes in pieces, what a reader must know before the first. */
export interface TraceStart {
  readonly name: string
  /** The first bytes, up to 64 KiB; they come in the first pieces again. */
  readonly head: Uint8Array
  readonly release?: Release
  readonly probes?: Probes
  /** Takes the events. */
  readonly builder: EventBuilder
}

/** What a reader says of a trace of which the events are handed over already. */
export type PieceEnd = Omit<ReadTrace, 'events'>

/** Reads a trace piece by piece, in any sizes. Each call waits for the one before. */
export interface PieceReader {
  push(piece: Uint8Array): void | Promise<void>
  /** Ends reading; to be called once, after the last piece. */
  end(): PieceEnd | Promise<PieceEnd>
}

/** One that is done with a piece when it returns. */
export interface SyncPieceReader extends PieceReader {
  push(piece: Uint8Array): void
  end(): PieceEnd
}

/** One format that kreplay reads. To add one, write a file and name it in the list in `index.ts`. */
export interface TraceFormat {
  readonly id: string
  /** Whether this could be its file, by the first bytes (up to 64 KiB). The first format in the list that says yes reads it. */
  sniff(head: Uint8Array): boolean
  /** Throws a TraceError where the input can't be read; counts in the tally what can be skipped. */
  read(source: TraceSource): ReadTrace | Promise<ReadTrace>
  /** Formats that need not be in memory as a whole; they throw the same. */
  readonly readFetched?: (
    source: Omit<TraceSource, 'bytes'> & { readonly bytes: FetchedBytes },
  ) => ReadTrace | Promise<ReadTrace>
  /** Formats that can be read piece by piece; they throw the same. */
  readonly open?: (start: TraceStart) => PieceReader
  /** Formats that are read here and there in the file; what `builder` has not handed over is in `events`. */
  readonly readFrom?: (source: FileSource, builder: EventBuilder) => ReadTrace | Promise<ReadTrace>
}

/** First bytes by which a format is known. */
export const HEAD = 64 * 1024
const STEP = 1 << 22

/** A format that can be read piece by piece. */
export type PieceFormat = Omit<TraceFormat, 'read' | 'open'> & {
  readonly open: (start: TraceStart) => SyncPieceReader
  read(source: TraceSource): ReadTrace
}

/** A format that is read piece by piece, also where the whole of it is at hand. */
export const inPieces = (
  id: string,
  sniff: TraceFormat['sniff'],
  open: (start: TraceStart) => SyncPieceReader,
): PieceFormat => ({
  id,
  sniff,
  open,
  read({ bytes, onProgress, ...source }) {
    const builder = new EventBuilder()
    const reader = open({ ...source, head: bytes.subarray(0, HEAD), builder })
    for (let at = 0; at < bytes.length; at += STEP) {
      reader.push(bytes.subarray(at, at + STEP))
      onProgress?.(Math.min(at + STEP, bytes.length), bytes.length)
    }
    const read = reader.end()
    return { ...read, events: builder.finish() }
  },
})
