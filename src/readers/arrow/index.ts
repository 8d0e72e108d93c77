import type { TraceFormat } from '../format.ts'
import { readArrow, readArrowFile } from './read-arrow.ts'

/** What begins a message of Arrow's stream format. */
const CONTINUATION = [0xff, 0xff, 0xff, 0xff]

/** Arrow IPC, file or stream, which `kreplay convert … .arrow` writes. */
export const kreplayArrow: TraceFormat = {
  id: 'kreplay Arrow',
  sniff: (head) =>
    Buffer.from(head.subarray(0, 6)).toString('latin1') === 'ARROW1' ||
    (CONTINUATION.every((byte, at) => head[at] === byte) && head.length > 8 && head[7] === 0),
  read: readArrow,
  readFetched: readArrowFile,
}
