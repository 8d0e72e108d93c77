import type { Notice } from '#kernel/messages'

/** What a perf.data's reader could not use. */
export const dataNotices = {
  'lost-events': {
    level: 'data-loss',
    help: 'Events that perf could not record in time; record with a larger buffer (perf record -m).',
  },
  'lost-at-unknown-time': {
    level: 'data-loss',
    help: 'Events that the kernel counted as lost beyond those whose place is known; they stand as lost at the end.',
  },
  'cut-short': {
    level: 'data-loss',
    help: 'The data ends early: the file is cut short. What was recorded after that is missing.',
  },
  'broken-record': {
    level: 'data-loss',
    help: 'A record of an impossible size; all that follows it is missing.',
  },
  'broken-chunk': {
    level: 'data-loss',
    help: 'Compressed data that could not be unpacked; all that follows it is missing.',
  },
  'time-backwards': {
    level: 'error',
    help: 'Samples older than what their round says can still come; they stand where they were found.',
  },
  throttled: {
    level: 'data-loss',
    help: 'Times that the kernel held an event back for a tick because it came too often.',
  },
  'unknown-event': { level: 'error', help: 'Samples with an event id of which the file holds no format.' },
  'unknown-id': { level: 'error', help: 'Samples of an event that the file does not describe.' },
  'short-record': { level: 'error', help: 'Samples shorter than their format says.' },
  'value-out-of-range': {
    level: 'error',
    help: 'Events with a value that cannot be one, such as a page frame number of 2^32−1 or more.',
  },
  'unknown-record': { level: 'note', help: 'Records of a kind that kreplay does not know.' },
  'nameless-stack': {
    level: 'note',
    help: 'Call chains without a caller: perf.data files hold no symbols, but `perf script` prints them with names.',
  },
  'other-sample': {
    level: 'note',
    help: 'Samples of something other than a tracepoint, such as CPU cycles; kreplay does not use them.',
  },
} as const satisfies Record<string, Notice>

export type DataCause = keyof typeof dataNotices
