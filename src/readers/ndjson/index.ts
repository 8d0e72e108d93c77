import { inPieces } from '../format.ts'
import { NdjsonReader } from './read-ndjson.ts'

/** kreplay's own NDJSON, which `kreplay convert … .ndjson` writes: the first line, or an event without it. */
const FIRST = /^\uFEFF?\s*\{\s*"(?:kreplay|time|cpu|pid|comm|context|event)"\s*:/

export const kreplayNdjson = inPieces(
  'kreplay NDJSON',
  (head) => FIRST.test(Buffer.from(head.subarray(0, 256)).toString('utf8')),
  (start) => new NdjsonReader(start),
)
