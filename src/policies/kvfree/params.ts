import { z } from 'zod'

/** Bytes of a page for pointers. */
const PAGE_SIZE = 4096
/** Batches in flight for each CPU. */
const KFREE_N_BATCHES = 2
/** Pointers that fit a page behind a header of so many bytes. */
export const maxEntriesOf = (header: number): number => (PAGE_SIZE - header) / 8

/** What every release that collects in pages has; `maxEntries` and `drainMs` are the release's own. */
export const krcParams = (release: { maxEntries: number; drainMs: number }) => ({
  maxEntries: z
    .int()
    .min(1)
    .max(1 << 16)
    .default(release.maxEntries)
    .meta({ unit: 'pointers', help: 'KVFREE_BULK_MAX_ENTR: pointers in a page.' }),
  drainMs: z
    .number()
    .min(1)
    .max(1e6)
    .default(release.drainMs)
    .meta({ unit: 'ms', help: 'KFREE_DRAIN_JIFFIES: the monitor collects for so long.' }),
  slots: z
    .int()
    .min(1)
    .max(64)
    .default(KFREE_N_BATCHES)
    .meta({ unit: 'batches', help: 'KFREE_N_BATCHES: batches of a CPU in flight.' }),
  cachedPages: z
    .int()
    .min(0)
    .max(1 << 16)
    .default(5)
    .meta({ unit: 'pages', help: 'rcu_min_cached_objs: spare pages kept for each CPU.' }),
})

/** Since 6.1: 5 s, but a page's worth of objects ends the collecting. `header`: bytes of a page that hold no pointer. */
export function hurryingParams(header: number) {
  const maxEntries = maxEntriesOf(header)
  return {
    ...krcParams({ maxEntries, drainMs: 5000 }),
    hurryAt: z
      .int()
      .min(0)
      .max(1 << 20)
      .default(maxEntries)
      .meta({ unit: 'objects', help: 'So many make the monitor run at the next tick; 0: none do.' }),
  }
}

export const cookieParam = {
  cookieAt: z
    .enum(['last', 'first'])
    .default('last')
    .meta({ help: 'Which insertion a page’s snapshot is of. `first` is wrong, and shows what the rule is worth.' }),
}
