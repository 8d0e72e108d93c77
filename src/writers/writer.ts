import type { Recording } from '#events'

/** One format that kreplay writes. To add one, write a file and name it in the list in `index.ts`. */
export interface Writer {
  readonly id: string
  /** With its dot. `.gz` and `.zst` may follow it in a path. */
  readonly extension: string
  /** Whether the format is compressed within, so that `.gz` and `.zst` are refused. */
  readonly packed?: true
  /** The file in pieces, so that no format needs the whole of it in memory. */
  write(recording: Recording): AsyncIterable<string | Uint8Array>
}
