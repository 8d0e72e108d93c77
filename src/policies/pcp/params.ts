import { z } from 'zod'
import type { ThpLists } from './lists.ts'

/** Parameters that several list rules share. */

export const thpListsParam = (lists: ThpLists) => ({
  thpLists: z
    .literal([1, 2, 3])
    .default(lists)
    .meta({ help: 'Lists of huge pages: 1 for all; 2: movable, others; 3: one by migratetype. Stable levels differ.' }),
})
