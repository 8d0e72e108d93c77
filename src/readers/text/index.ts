import { inPieces } from '../format.ts'
import { HeadReader } from './head.ts'
import { BabeltraceHeads, otherHead } from './other-heads.ts'
import { openBabeltrace, openText } from './read-text.ts'

export { skippedLines } from './notices.ts'

const NEWLINE = 0x0a
const LINES_SNIFFED = 200

/** Which program wrote a text, by its header, or by its first event line or loss line where it has none. */
function writerOf(head: Uint8Array): 'ftrace' | 'trace-cmd' | undefined {
  const text = Buffer.from(head.buffer, head.byteOffset, head.length)
  const reader = new HeadReader(head, otherHead)
  if (text.includes('Dumping ftrace buffer:')) return 'ftrace'
  let from = 0
  for (let line = 0; line < LINES_SNIFFED && from < head.length; line++) {
    const newline = head.indexOf(NEWLINE, from)
    const to = newline < 0 ? head.length : newline
    // Quoted in a mail
    while (from < to && (head[from] === 0x3e || (head[from] === 0x20 && head[from + 1] === 0x3e))) from++
    if (reader.read(from, to)) {
      if (!reader.readName(to)) return 'ftrace'
      // trace-cmd pads names to a column and, with -t, prints nine digits; ftrace does neither.
      const isPadded = reader.payloadFrom - reader.nameTo > 2
      return isPadded || reader.stamp.digits === 9 ? 'trace-cmd' : 'ftrace'
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
export const ftraceText = inPieces(
  'ftrace text',
  (head) => writerOf(head) === 'ftrace',
  (start) => openText(start, 'ftrace text'),
)

/** What `trace-cmd report` prints, best with `-t` for whole nanoseconds. */
export const traceCmdReport = inPieces(
  'trace-cmd report',
  (head) => writerOf(head) === 'trace-cmd',
  (start) => openText(start, 'trace-cmd report text'),
)

function isBabeltrace(head: Uint8Array): boolean {
  const heads = new BabeltraceHeads()
  const text = Buffer.from(head.buffer, head.byteOffset, head.length).toString('latin1')
  return text.split('\n', LINES_SNIFFED).some((line) => line.startsWith('[') && heads.read(line) !== undefined)
}

/** What babeltrace2 prints of LTTng's kernel traces, and of perf's after `perf data convert --to-ctf`. */
export const babeltraceText = inPieces('babeltrace2 text', isBabeltrace, (start) =>
  openBabeltrace(start, 'babeltrace2 text'),
)
