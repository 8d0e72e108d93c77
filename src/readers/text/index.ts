import { EventBuilder } from '#events'
import { TraceError } from '#kernel/messages'
import { inPieces, type PieceEnd, type PieceFormat, type TraceStart } from '../format.ts'
import { LineReader } from './line-reader.ts'
import { layoutsBy, noneRecognised, type Recognised, recognise, type Writer } from './recognise.ts'

export { skippedLines } from './notices.ts'

const HEADER = 16 * 1024

function readerOf(start: TraceStart, recognised: Recognised): LineReader {
  const begin = Buffer.from(recognised.decoding.head.subarray(0, HEADER)).toString('latin1')
  const { writer, isLenient } = recognised
  return new LineReader(start, (head) => layoutsBy[writer](head, begin, isLenient), recognised)
}

/** What the first bytes read as; undefined where they can't be read at all. */
function tried(start: TraceStart, recognised: Recognised): PieceEnd | undefined {
  const reader = readerOf({ ...start, builder: new EventBuilder() }, recognised)
  try {
    reader.push(start.head)
    return reader.end()
  } catch (error) {
    if (error instanceof TraceError) return undefined
    throw error
  }
}

const NOT_UNDERSTOOD = new Set(['unparsed-line', 'mail-line', 'console-line', 'unread-payload', 'unread-other-payload'])
const notUnderstood = (end: PieceEnd): number =>
  end.tally.reduce((sum, { cause, count }) => sum + (NOT_UNDERSTOOD.has(cause) ? count : 0), 0)

/** The first bytes are read as they stand and, where some are not understood, as wrapped lines: what is understood better holds. */
function openText(start: TraceStart, writers: readonly [Writer, ...Writer[]]): LineReader {
  const found = recognise(start.head)
  const isOurs = found !== undefined && writers.includes(found.writer)
  const recognised = isOurs ? found : noneRecognised(writers[0], start.head)
  if (recognised.isPlain) return readerOf(start, recognised)
  const plain = tried(start, recognised)
  if (plain === undefined || notUnderstood(plain) > 0) {
    const wrapping = { ...recognised, isWrapped: true }
    const wrapped = tried(start, wrapping)
    const isBetter = wrapped !== undefined && wrapped.lines!.events > 0
    if (isBetter && (plain === undefined || notUnderstood(wrapped) < notUnderstood(plain)))
      return readerOf(start, wrapping)
  }
  return readerOf(start, recognised)
}

const formatOf = (id: string, ...writers: readonly [Writer, ...Writer[]]): PieceFormat =>
  inPieces(
    id,
    (head) => writers.some((writer) => recognise(head)?.writer === writer),
    (start) => openText(start, writers),
  )

/** What `/sys/kernel/tracing/trace` and `trace_pipe` print. */
export const ftraceText = formatOf('ftrace text', 'ftrace', 'function graph')

/** What `trace-cmd report` prints, best with `-t` for whole nanoseconds. */
export const traceCmdReport = formatOf('trace-cmd report', 'trace-cmd')

/** What babeltrace2 prints of LTTng's kernel traces, and of perf's after `perf data convert --to-ctf`. */
export const babeltraceText = formatOf('babeltrace2 text', 'babeltrace')

/** What `perf script` prints, best with `--ns` for whole nanoseconds, and what `perf trace` does. */
export const perfScript = formatOf('perf script', 'perf script', 'perf trace')
