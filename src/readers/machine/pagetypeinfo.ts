import type { Order } from '#kernel'

/** What /proc/pagetypeinfo says of the kernel: the order of a pageblock and the names of the migratetypes. */
export interface Pagetypeinfo {
  readonly pageblockOrder?: Order
  /** In order of their numbers, e.g. `Unmovable`, … `CMA`, `Isolate`. */
  readonly types: readonly string[]
}

/** Source: pagetypeinfo_showblockcount() and walk, mm/vmstat.c. Anything else in the file is passed over. */
export function parsePagetypeinfo(text: string): Pagetypeinfo {
  const [, order] = /^Page block order: +(\d{1,2})\s*$/m.exec(text) ?? []
  const [, names = ''] = /^Number of blocks type +(\S.*)$/m.exec(text) ?? []
  const pageblockOrder = order === undefined ? undefined : Number(order)
  return {
    ...(pageblockOrder === undefined || pageblockOrder > 19 ? {} : { pageblockOrder }),
    types: names.split(/\s+/).filter((name) => name !== ''),
  }
}
