import { EventBuilder } from '#events'
import { EXCHANGE_MARK } from '#events/exchange'
import { HEAD, type TraceFormat } from '../format.ts'
import { CsvReader } from './read-csv.ts'

/** At least two names with a comma between: a header, though perhaps not ours. The reader says what is wrong with it. */
const HEADER = /^\uFEFF?"?[A-Za-z_][\w .-]*"?(?:,"?[A-Za-z_][\w .-]*"?)+\r?$/

/** kreplay's own CSV, which `kreplay convert … .csv` writes. */
export const kreplayCsv: TraceFormat = {
  id: 'kreplay CSV',
  sniff(head) {
    const end = head.indexOf(0x0a)
    const line = Buffer.from(head.subarray(0, end < 0 ? head.length : end)).toString('utf8')
    return (
      line.replace('\uFEFF', '').startsWith('# kreplay-events') || line.startsWith(EXCHANGE_MARK) || HEADER.test(line)
    )
  },
  open: (start) => new CsvReader(start),
  async read({ bytes, ...source }) {
    const builder = new EventBuilder()
    const reader = new CsvReader({ ...source, head: bytes.subarray(0, HEAD), builder })
    await reader.push(bytes)
    const read = await reader.end()
    return { ...read, events: builder.finish() }
  },
}
