import type { Notice } from '#kernel/messages'

export const notices = {
  'missed-events': {
    level: 'data-loss',
    help: 'Places where the ring buffer lost events; record with a larger buffer (trace-cmd record -b).',
  },
  overrun: {
    level: 'data-loss',
    help: 'Events that the kernel says it overwrote or dropped, most often before the trace begins.',
  },
  'cut-short': {
    level: 'data-loss',
    help: 'CPUs whose data ends early: the file is cut short. What they recorded after that is missing.',
  },
  'broken-chunk': {
    level: 'data-loss',
    help: 'Compressed chunks that could not be unpacked; their events are missing.',
  },
  'broken-page': {
    level: 'data-loss',
    help: 'Ring-buffer pages that contradict themselves; the rest of each page is missing.',
  },
  'index-lost': {
    level: 'data-loss',
    help: 'The list of CPUs at the end of the file is missing; their data was found by walking through it.',
  },
  'cpu-guessed': {
    level: 'error',
    help: 'With that list it is lost which CPUs recorded nothing: events may stand under a CPU of a lower number.',
  },
  'unknown-event': { level: 'error', help: 'Records with an event id of which the trace holds no format.' },
  'short-record': { level: 'error', help: 'Records shorter than their format says.' },
  'value-out-of-range': {
    level: 'error',
    help: 'Events with a value that cannot be one, such as a page frame number of 2^32−1 or more.',
  },
  'time-backwards': {
    level: 'error',
    help: 'Events stamped before their predecessor on the same CPU; they are given its time.',
  },
  'several-clocks': {
    level: 'error',
    help: 'Instances recorded by another clock than the first: the order of events between them is not known.',
  },
  'several-buffers': { level: 'note', help: 'Tracing instances in the file beside the first; all are read as one.' },
} as const satisfies Record<string, Notice>

export type Cause = keyof typeof notices
