import type { TraceFormat } from '../format.ts'
import { readNdjson } from './read-ndjson.ts'

/** kreplay's own NDJSON, which `kreplay convert … .ndjson` writes: the first line, or an event without it. */
const FIRST = /^\uFEFF?\s*\{\s*"(?:kreplay|time|cpu|pid|comm|context|event)"\s*:/

export const kreplayNdjson: TraceFormat = {
  id: 'kreplay NDJSON',
  sniff: (head) => FIRST.test(Buffer.from(head.subarray(0, 256)).toString('utf8')),
  read: readNdjson,
}
