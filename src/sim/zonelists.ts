import type { Zone } from '#kernel'

/** Zones of a node, the least capable first: an allocation that may use one may use those before it. Source: enum zone_type, v6.12. */
const RANKS = ['DMA', 'DMA32', 'Normal', 'HighMem', 'Movable', 'Device']

const rankOf = ({ name }: Zone): number => {
  const rank = RANKS.indexOf(name)
  return rank < 0 ? RANKS.indexOf('Normal') : rank
}

/**
 * By zone: the zones that an allocation tries once this one has nothing free: lower ones of its node, then those of the next nodes in
 * turn. Source: build_zonelists(), mm/page_alloc.c, v6.12, with all nodes equally far.
 */
export function zonelistsOf(zones: readonly Zone[]): readonly (readonly number[])[] {
  const nodes = Math.max(1, ...zones.map(({ node }) => node + 1))
  return zones.map((first, self) => {
    const distance = ({ node }: Zone): number => (node - first.node + nodes) % nodes
    return zones
      .map((zone, at) => ({ zone, at }))
      .filter(({ zone, at }) => at !== self && rankOf(zone) <= rankOf(first))
      .sort((a, b) => distance(a.zone) - distance(b.zone) || rankOf(b.zone) - rankOf(a.zone))
      .map(({ at }) => at)
  })
}
