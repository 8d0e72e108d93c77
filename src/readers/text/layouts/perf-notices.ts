import type { Notice } from '#kernel/messages'

/** Why a line of `perf script` gave no event, beside the causes that every text has. */
export const scriptLines = {
  'lost-line': {
    level: 'data-loss',
    help: 'perf tells of lost events, but not on which CPU or when; print them by `perf script --show-lost-events`.',
  },
  'stack-line': {
    level: 'note',
    help: 'A line of a call chain; of each only the first function beyond the allocator is kept, in an event `kernel_stack`.',
  },
  'perf-record-line': {
    level: 'note',
    help: 'A line about a process, a mapping or the recording itself (PERF_RECORD_…), and lines of `perf script -D`.',
  },
  'other-sample': {
    level: 'note',
    help: 'Samples of something other than a tracepoint, such as CPU cycles; kreplay does not use them.',
  },
} as const satisfies Record<string, Notice>
