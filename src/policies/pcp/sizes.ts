import type { Pages } from '#kernel'
import type { PagesetContext, Sizes } from './types.ts'

/**
 * Pages moved per refill.
 * Source: zone_batchsize(), mm/page_alloc.c, v5.10 to v7.2.
 */
export function zoneBatchsize(managed: Pages): Pages {
  const n = Math.min(Math.trunc(managed / 4096), 64)
  return Math.max(1, 2 ** Math.floor(Math.log2(Math.max(1, n + Math.trunc(n / 2)))) - 1)
}

const recordedBy = (context: PagesetContext, version: string) =>
  context.machine.release?.rules === version ? context.zone.pagesets.find(({ cpu }) => cpu === context.cpu) : undefined

const cpusOf = ({ machine }: PagesetContext): number => Math.max(1, machine.cpus.length)

/** Source: pageset_set_batch(), mm/page_alloc.c, v5.10. */
export function sizes510(context: PagesetContext): Sizes {
  const recorded = recordedBy(context, '5.10')
  const batch = recorded?.batch ?? zoneBatchsize(context.zone.managed)
  const high = recorded?.high ?? 6 * batch
  return { high, batch, highMin: high, highMax: high }
}

/** Source: zone_highsize(), mm/page_alloc.c, v6.1. */
export function sizes61(context: PagesetContext): Sizes {
  const recorded = recordedBy(context, '6.1')
  const batch = recorded?.batch ?? zoneBatchsize(context.zone.managed)
  const high = recorded?.high ?? Math.max(Math.trunc(context.zone.low / cpusOf(context)), 4 * batch)
  return { high, batch, highMin: high, highMax: high }
}

/** Source: zone_highsize() and zone_set_pageset_high_and_batch(), mm/page_alloc.c, v6.12 and v7.2. */
export function sizesTuned(version: '6.12' | '7.2', context: PagesetContext): Sizes {
  const recorded = recordedBy(context, version)
  const batch = recorded?.batch ?? zoneBatchsize(context.zone.managed)
  const cpus = cpusOf(context)
  const highMin = recorded?.highMin ?? Math.max(Math.trunc(context.zone.low / cpus), 4 * batch)
  const highMax = recorded?.highMax ?? Math.max(Math.trunc(Math.trunc(context.zone.managed / 8) / cpus), 4 * batch)
  return { high: recorded?.high ?? highMin, batch, highMin, highMax }
}
