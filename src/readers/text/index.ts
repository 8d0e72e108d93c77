import type { TraceFormat } from '../format.ts'
import { HeadReader } from './head.ts'
import { readText } from './read-text.ts'

export { skippedLines, textNotices } from './notices.ts'

const NEWLINE = 0x0a
const LINES_SNIFFED = 200

/** Which program wrote a text, by its header, or by its first event line or loss line where it has none. */
function writerOf(head: Uint8Array): 'ftrace' | 'trace-cmd' | undefined {
  const text = Buffer.from(head.buffer, head.byteOffset, head.length)
  const reader = new HeadReader(head)
  let from = 0
  for (let line = 0; line < LINES_SNIFFED && from < head.length; line++) {
    const newline = head.indexOf(NEWLINE, from)
    const to = newline < 0 ? head.length : newline
    if (reader.read(from, to)) {
      if (!reader.readName(to)) return 'ftrace'
      // trace-cmd pads names to a column and, with -t, prints nine digits; ftrace does neither.
      const isPadded = reader.payloadFrom - reader.nameTo > 2
      return isPadded || reader.digits === 9 ? 'trace-cmd' : 'ftrace'
    }
    const start = text.toString('latin1', from, Math.min(to, from + 200))
    if (line === 0 && start.startsWith('# kreplay-events/')) return undefined
    if (line === 0 && /^# tracer: /.test(start)) return 'ftrace'
    if (line < 2 && /^(version = \d+|cpus=\d+)\r?$/.test(start)) {
      if (start.startsWith('cpus=')) return 'trace-cmd'
    } else if (/CPU:\d+ \[LOST (\d+ )?EVENTS\]/.test(start)) return 'ftrace'
    else if (/CPU:\d+ \[\d+ EVENTS DROPPED\]/.test(start)) return 'trace-cmd'
    from = to + 1
  }
  return undefined
}

/** What `/sys/kernel/tracing/trace` and `trace_pipe` print. */
export const ftraceText: TraceFormat = {
  id: 'ftrace text',
  sniff: (head) => writerOf(head) === 'ftrace',
  read: (source) => readText(source, 'ftrace text'),
}

/** What `trace-cmd report` prints, best with `-t` for whole nanoseconds. */
export const traceCmdReport: TraceFormat = {
  id: 'trace-cmd report',
  sniff: (head) => writerOf(head) === 'trace-cmd',
  read: (source) => readText(source, 'trace-cmd report text'),
}
