import { PADDING } from '../byte-memo.ts'
import { inPieces } from '../format.ts'
import { Head } from './head.ts'
import { BabeltraceLayout } from './layouts/babeltrace.ts'
import { FtraceLayout } from './layouts/ftrace.ts'
import { isBareEvent, PerfScriptLayout } from './layouts/perf-script.ts'
import { LineReader } from './line-reader.ts'
import { isMail } from './mail.ts'

export { skippedLines } from './notices.ts'

const NEWLINE = 0x0a
const LINES_SNIFFED = 200

const padded = (head: Uint8Array): Uint8Array => Buffer.concat([head, new Uint8Array(PADDING)])

/** Which program wrote a text, by its header, or by its first event line or loss line where it has none. */
function writerOf(start: Uint8Array): 'ftrace' | 'trace-cmd' | undefined {
  const head = padded(start)
  const text = Buffer.from(head.buffer, head.byteOffset, start.length)
  const layout = new FtraceLayout(new Head(head), 'ftrace')
  if (text.includes('Dumping ftrace buffer:')) return 'ftrace'
  let from = 0
  for (let line = 0; line < LINES_SNIFFED && from < text.length; line++) {
    const newline = text.indexOf(NEWLINE, from)
    const to = newline < 0 ? text.length : newline
    // Quoted in a mail
    while (from < to && (head[from] === 0x3e || (head[from] === 0x20 && head[from + 1] === 0x3e))) from++
    if (layout.readHead(from, to)) {
      if (layout.readName(to) === undefined) return 'ftrace'
      // trace-cmd pads names to a column and, with -t, prints nine digits; ftrace does neither.
      const isPadded = layout.head.payloadFrom - layout.head.nameTo > 2
      return isPadded || layout.head.stamp.digits === 9 ? 'trace-cmd' : 'ftrace'
    }
    const begin = text.toString('latin1', from, Math.min(to, from + 200))
    if (line === 0 && begin.startsWith('# kreplay-events/')) return undefined
    if (line === 0 && /^# tracer: /.test(begin)) return 'ftrace'
    if (line < 2 && /^(version = \d+|cpus=\d+)\r?$/.test(begin)) {
      if (begin.startsWith('cpus=')) return 'trace-cmd'
    } else if (/CPU:\d+ \[LOST (\d+ )?EVENTS\]/.test(begin)) return 'ftrace'
    else if (/CPU:\d+ \[\d+ EVENTS DROPPED\]/.test(begin)) return 'trace-cmd'
    from = to + 1
  }
  return undefined
}

/** What `/sys/kernel/tracing/trace` and `trace_pipe` print. */
export const ftraceText = inPieces(
  'ftrace text',
  (head) => writerOf(head) === 'ftrace',
  (start) => new LineReader(start, (head) => new FtraceLayout(head, 'ftrace text'), isMail(start.head)),
)

/** What `trace-cmd report` prints, best with `-t` for whole nanoseconds. */
export const traceCmdReport = inPieces(
  'trace-cmd report',
  (head) => writerOf(head) === 'trace-cmd',
  (start) => new LineReader(start, (head) => new FtraceLayout(head, 'trace-cmd report text'), isMail(start.head)),
)

function isBabeltrace(start: Uint8Array): boolean {
  const head = Buffer.from(padded(start))
  const layout = new BabeltraceLayout(new Head(head))
  let from = 0
  for (let line = 0; line < LINES_SNIFFED && from < start.length; line++) {
    const newline = head.indexOf(NEWLINE, from)
    const to = newline < 0 ? start.length : newline
    if (layout.readHead(from, to)) return true
    from = to + 1
  }
  return false
}

/** What babeltrace2 prints of LTTng's kernel traces, and of perf's after `perf data convert --to-ctf`. */
export const babeltraceText = inPieces(
  'babeltrace2 text',
  isBabeltrace,
  (start) => new LineReader(start, (head) => new BabeltraceLayout(head)),
)

const HEADER = 16 * 1024
const beginOf = ({ head }: { readonly head: Uint8Array }): string =>
  Buffer.from(head.subarray(0, HEADER)).toString('latin1')

function isPerfScript(start: Uint8Array): boolean {
  const head = padded(start)
  const text = Buffer.from(head.buffer, head.byteOffset, start.length)
  const layout = new PerfScriptLayout(new Head(head), '')
  let from = 0
  for (let line = 0; line < LINES_SNIFFED && from < text.length; line++) {
    const newline = text.indexOf(NEWLINE, from)
    const to = newline < 0 ? text.length : newline
    const begin = text.toString('latin1', from, Math.min(to, from + 200))
    if (line === 0 && begin.startsWith('# kreplay-events/')) return false
    if (layout.readHead(from, to)) {
      const { bodyFrom } = layout.head
      if (layout.readName(to) === 'event') return true
      if (
        text
          .toString('latin1', bodyFrom, Math.min(to, bodyFrom + 40))
          .trimStart()
          .startsWith('PERF_RECORD_')
      )
        return true
    }
    if (isBareEvent(begin)) return true
    from = to + 1
  }
  return false
}

/** What `perf script` prints, best with `--ns` for whole nanoseconds. */
export const perfScript = inPieces(
  'perf script',
  isPerfScript,
  (start) => new LineReader(start, (head) => new PerfScriptLayout(head, beginOf(start))),
)
