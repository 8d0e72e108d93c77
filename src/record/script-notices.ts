import type { Notice } from '#kernel/messages'

/** What the script takes otherwise than the record says, or can't know. */
export const scriptNotices = {
  'no-zoneinfo': {
    level: 'error',
    help: 'The capture has no zoneinfo. Zones end where this architecture’s do, the last one at the highest page seen; `batch` is taken from refills, watermarks and `high` from the kernel’s formulas.',
  },
  'outside-zones': {
    level: 'error',
    help: 'Pages outside every populated zone of zoneinfo: their events are left out.',
  },
  'foreign-block-type': { level: 'note', help: 'Pages of isolated or unknown block types; they bypass the lists.' },
  'type-from-drain': {
    level: 'note',
    help: 'A freed page’s drain shows another type than was known of its block by then: the free is taken as of the drained type.',
  },
  'type-from-alloc': {
    level: 'note',
    help: 'A freed page was handed out again from the list of another type than was known of its block by then: the free is taken as of that type.',
  },
  'no-drain-requests': {
    level: 'note',
    help: 'drain_all_pages was not traced: only requests that the recorded drains give away are replayed.',
  },
  'inferred-requests': {
    level: 'note',
    help: 'Drain requests by direct reclaim whose call no probe recorded: inferred from the pages drained right after it ended.',
  },
  'no-ticks': {
    level: 'note',
    help: 'vmstat_update was not traced: its ticks, one a second on each CPU, are placed where only a tick explains what the record shows. What places a tick is not scored.',
  },
  'no-refills': {
    level: 'note',
    help: 'mm_page_alloc_zone_locked was not traced: nothing recorded to compare refills with, and lists start from zoneinfo’s counts.',
  },
  'missing-frees': {
    level: 'data-loss',
    help: 'Pages were allocated again without a free between: events are missing that no mark counts.',
  },
  'lost-events': {
    level: 'data-loss',
    help: 'Events were lost in recording: the lists of that CPU are unknown again from there on.',
  },
} as const satisfies Record<string, Notice>
