import { type FieldSchema, field } from '../exchange/fields.ts'

const pages = (help: string) => field.signed(help, 'pages').optional()

export const pcp = {
  /**
   * A probe that fetches a pageset at the entry of a function: free_pcppages_bulk(), drain_zone_pages(), decay_pcp_high(). What a kernel’s pageset
   * lacks, or the probe did not fetch, is absent.
   */
  pcp_state: {
    zone: field.pointer('The zone: address of its struct zone.').optional(),
    zoneStart: field.count('First page frame of the zone: zone_start_pfn.').optional(),
    count: field.signed('Pages on the lists of the pageset.', 'pages'),
    high: field.signed('At so many pages it gives some back.', 'pages'),
    highMin: pages('Lowest value of high; from 6.7 on.'),
    highMax: pages('Highest value of high; from 6.7 on.'),
    batch: pages('Pages of a refill.'),
    freeCount: pages('Pages freed in a row, which makes bulk frees grow; from 6.7 on.'),
    freeFactor: field.signed('log2 of how many batches the next bulk free takes; before 6.7.').optional(),
    allocFactor: field.signed('log2 of how many batches the next refill takes; from 6.7 on.').optional(),
    asked: pages('Pages that the function was asked to free; of free_pcppages_bulk() alone.'),
    recordedAs: field.text('The probe’s event: as a rule the function’s name.').optional(),
  },
  /** A probe at the entry (`bulk_free_begin`, `refill_begin`) or the return of a function that moves pages under zone->lock. */
  hold_probe: {
    count: field.signed('At the entry: blocks that the function is asked to move.', 'blocks').optional(),
    listed: pages('At the entry of a bulk free: pages on the lists, beyond which nothing is freed.'),
    order: field.signed('Of those blocks, where all have one order.').optional(),
    moved: field.signed('At the return of a refill: blocks that came.', 'blocks').optional(),
    recordedAs: field.text('The probe’s event.').optional(),
  },
  /** Somebody begins to wait for a lock that is held; from 5.19 on. */
  contention_begin: {
    lockAddr: field.pointer('The lock’s address.'),
    flags: field.text('How it waits: `SPIN`, `MUTEX` and so on, as printed, or a number.').optional(),
  },
  /** The wait is over. */
  contention_end: {
    lockAddr: field.pointer('The lock’s address.'),
    ret: field.signed('0: it has the lock.').optional(),
  },
} as const satisfies Record<string, Record<string, FieldSchema>>
