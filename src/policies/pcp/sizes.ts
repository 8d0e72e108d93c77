import { cpusOfZone, type Machine, type Pages, type Pageset, sysctlOf, type Zone } from '#kernel'
import { factsOf } from '#kernel/releases'
import type { PagesetContext, Sizes } from './types.ts'

/** MIN_PERCPU_PAGELIST_HIGH_FRACTION */
const LEAST_FRACTION = 8

/**
 * Pages moved per refill.
 * Source: zone_batchsize(), mm/page_alloc.c, v5.10 to v7.2.
 */
export function zoneBatchsize(managed: Pages, pageSize = 4096): Pages {
  const n = Math.trunc(Math.min(Math.trunc(managed / 1024), 2 ** 20 / pageSize) / 4)
  return Math.max(1, 2 ** Math.floor(Math.log2(Math.max(1, n + Math.trunc(n / 2)))) - 1)
}

/**
 * Share of a zone, or of its low watermark, that one CPU's lists may hold. The CPUs of the zone's node share it. The watermark boost in
 * what zoneinfo prints is none of it.
 * Source: zone_highsize(), mm/page_alloc.c, v5.14 to v7.2.
 */
export function zoneHighsize(machine: Machine, zone: Zone, batch: Pages, fraction: number): Pages {
  const total = fraction === 0 ? zone.low - (zone.boost ?? 0) : Math.trunc(zone.managed / fraction)
  const cpus = Math.max(1, cpusOfZone(machine, zone).length)
  return Math.max(Math.trunc(total / cpus), 4 * batch)
}

/**
 * vm.percpu_pagelist_high_fraction: as recorded, or as zoneinfo shows it where the settings were not recorded. 0: not set.
 */
export function highFraction(machine: Machine): number {
  const set = sysctlOf(machine, 'vm.percpu_pagelist_high_fraction')
  if (set !== undefined) return set >= LEAST_FRACTION ? set : 0
  const { release, zones } = machine
  if (release === undefined || factsOf(release).highFrom === 'batch') return 0
  const large = zones.filter(({ pagesets }) => pagesets.some(({ batch }) => batch > 1))
  const shown = large.map((zone) => fractionShownBy(machine, zone))
  const [first] = shown
  return first !== undefined && shown.every((fraction) => fraction === first) ? first : 0
}

/** With a fraction `high` is the same on all CPUs and no other than that fraction gives; without, it follows from the low watermark. */
function fractionShownBy(machine: Machine, zone: Zone): number | undefined {
  const used = zone.pagesets.filter(({ high }) => high > 0)
  const { high, batch } = used[0] ?? { high: 0, batch: 1 }
  if (used.length < 2 || used.some((other) => other.high !== high) || high <= 4 * batch) return undefined
  if (high === zoneHighsize(machine, zone, batch, 0)) return undefined
  const cpus = Math.max(1, cpusOfZone(machine, zone).length)
  const fraction = Math.trunc(zone.managed / (high * cpus))
  return fraction >= LEAST_FRACTION && zoneHighsize(machine, zone, batch, fraction) === high ? fraction : undefined
}

/** What zoneinfo printed of a pageset, if the recording kernel sizes its lists in the same way. */
const recordedBy = (
  { machine, zone, cpu }: PagesetContext,
  highFrom: 'batch' | 'low watermark' | 'bounds',
): Pageset | undefined =>
  machine.release !== undefined && factsOf(machine.release).highFrom === highFrom
    ? zone.pagesets.find((pageset) => pageset.cpu === cpu)
    : undefined

const batchOf = ({ machine, zone }: PagesetContext, recorded: Pageset | undefined): Pages =>
  recorded?.batch ?? zoneBatchsize(zone.managed, machine.pageSize)

/** Source: pageset_set_batch(), pageset_set_high_and_batch(), mm/page_alloc.c, v5.10. */
export function sizes510(context: PagesetContext): Sizes {
  const { machine, zone } = context
  const recorded = recordedBy(context, 'batch')
  const fraction = sysctlOf(machine, 'vm.percpu_pagelist_fraction') ?? 0
  if (recorded === undefined && fraction >= LEAST_FRACTION) {
    const high = Math.trunc(zone.managed / fraction)
    return { high, batch: Math.max(1, Math.min(Math.trunc(high / 4), 96)), highMin: high, highMax: high }
  }
  const batch = batchOf(context, recorded)
  const high = recorded?.high ?? 6 * batch
  return { high, batch, highMin: high, highMax: high }
}

/** Source: zone_highsize(), zone_set_pageset_high_and_batch(), mm/page_alloc.c, v5.14 to v6.6. */
export function sizes61(context: PagesetContext): Sizes {
  const { machine, zone } = context
  const recorded = recordedBy(context, 'low watermark')
  const batch = batchOf(context, recorded)
  const high = recorded?.high ?? zoneHighsize(machine, zone, batch, highFraction(machine))
  return { high, batch, highMin: high, highMax: high }
}

/** Source: zone_highsize() and zone_set_pageset_high_and_batch(), mm/page_alloc.c, v6.7 to v7.2. A fraction ends the tuning. */
export function sizesTuned(context: PagesetContext): Sizes {
  const { machine, zone } = context
  const recorded = recordedBy(context, 'bounds')
  const batch = batchOf(context, recorded)
  const fraction = highFraction(machine)
  const least = zoneHighsize(machine, zone, batch, fraction)
  const most = fraction === 0 ? zoneHighsize(machine, zone, batch, LEAST_FRACTION) : least
  const highMin = recorded?.highMin ?? least
  return { high: recorded?.high ?? highMin, batch, highMin, highMax: recorded?.highMax ?? most }
}
