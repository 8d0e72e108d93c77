import type { Notice } from '#kernel/messages'
import { timeNotices } from '../cpu-times.ts'

/** Why a line gave no event. Law: lines = comments + lines that gave an event + the sum of these. */
export const skippedLines = {
  'unparsed-line': { level: 'error', help: 'Neither a comment nor an event in a known layout.' },
  'overlong-line': { level: 'error', help: 'A line of more than 64 KiB: no event is that long.' },
  'truncated-line': {
    level: 'data-loss',
    help: 'The last line has no end: the file was cut in the middle of an event.',
  },
  'wrapped-line': {
    level: 'note',
    help: 'The rest of a line that a mailer or a terminal wrapped: read with the line before it.',
  },
  'repeated-line': {
    level: 'note',
    help: 'An event that a mail holds more than once, as it was sent and quoted in an answer: read once.',
  },
  'mail-line': { level: 'note', help: 'Prose, a signature or a cut mark beside the trace.' },
  'console-line': { level: 'note', help: 'A line of the console that the trace was dumped to.' },
  'function-line': {
    level: 'note',
    help: 'A call that the function or function_graph tracer recorded beside the events; kreplay does not use them.',
  },
  'stack-line': {
    level: 'note',
    help: 'A line of a stack; of each only the first function beyond the allocator is kept, in an event `kernel_stack`.',
  },
} as const satisfies Record<string, Notice>

/** What was noticed beside lines that did give an event. */
export const textNotices = {
  ...timeNotices,
  'prefixed-line': {
    level: 'note',
    help: 'Lines behind quote marks, stamps of a log, line numbers or other prefixes, which were taken off.',
  },
  'unread-payload': {
    level: 'error',
    help: 'The event is known, but its fields are missing or out of bounds: kept as text under its name.',
  },
  'unread-other-payload': {
    level: 'note',
    help: 'An event that is neither kmem nor rcu, of which fields are missing or out of bounds: kept as text under its name. No total lacks it.',
  },
  'unknown-gfp-flag': {
    level: 'note',
    help: 'A gfp flag name that the kernel’s table lacks: it stands under its own name, by a bit that this kernel does not use.',
  },
  'cpu-not-printed': {
    level: 'note',
    help: '`perf trace` prints no CPU: all events stand on CPU 0. Record with `perf record` and print with `perf script`.',
  },
  'gfp-not-printed': {
    level: 'note',
    help: '`gfp_flags=` with nothing behind it: 6.1 prints it so with the option hash-ptr off. The flags are absent.',
  },
  'assumed-gfp-bits': {
    level: 'note',
    help: 'GFP_ATOMIC or GFP_NOWAIT, whose bits differ by release, in a trace without `uname`: read as Linux 6.1 has them.',
  },
  'relative-stamps': {
    level: 'note',
    help: 'Stamps count from the trace’s first event, as the latency format prints them: not comparable with other traces.',
  },
  'unended-line': {
    level: 'data-loss',
    help: 'The last line has no end: the file was cut there, perhaps within the last value of its last event.',
  },
  'overwritten-events': {
    level: 'data-loss',
    help: 'The ring buffer was overwritten before the first line; record with a larger buffer_size_kb.',
  },
} as const satisfies Record<string, Notice>

/** What no prose has: a stamp, two fields, bytes of no text. A line with it may be an event that could not be read. */
export const LIKE_EVENT =
  /\d\.\d{6}(?:\d{3})?:|\dus.? ?: |\w=\S{1,64} {1,64}\w{1,64}=\S|\{ \w{1,64} = |:\w{1,64}\(\w{1,64}: |[\x00-\x08\x0e-\x1a\x1c-\x1f\ufffd]/
