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
} as const satisfies Record<string, Record<string, FieldSchema>>
