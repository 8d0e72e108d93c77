import { Quota } from '#policies/pcp'
import type { PagesGivenBack } from './given-back.ts'
import type { FidelityRun } from './scores.ts'
import type { EstimatorState } from './state.ts'

/** What the next vmstat tick of every CPU would give back, by zone. The belief is used up by this. */
export function nextTickOf({ belief, index }: EstimatorState, pages: PagesGivenBack): FidelityRun['nextTick'] {
  const blocks = Array.from({ length: belief.zones }, () => ({ pfn: [] as number[], order: [] as number[] }))
  for (const { pset, zone, pcp } of belief.psets) {
    const n = belief.rulesOf(pset).onTick?.(pcp) ?? 0
    pages.byRule({ pset, list: 0, from: 0, to: 0, quota: new Quota(n) }, false, (page, order) => {
      if (page >= index.size) return
      blocks[zone]!.pfn.push(index.pfn(page, zone))
      blocks[zone]!.order.push(order)
    })
  }
  return blocks
}
