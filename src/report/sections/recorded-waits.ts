import { counted, formatDuration } from '#kernel/messages'
import type { LockWaits } from '#metrics/survey'

/** One sentence on the lock waits that the kernel recorded, for comparison with the model’s waits. */
export function recordedWaitWords({ zone, others }: LockWaits, of = ''): string {
  const elsewhere = `${counted(others, 'wait')} for ${zone === undefined ? '' : 'other '}locks`
  if (zone === undefined)
    return `Recorded${of}: ${elsewhere}; which of them are for zone->lock is not known, since no probe names a zone (\`kreplay capture --for drain\` sets one).`
  if (zone.count === 0) return `Recorded${of}: no wait for zone->lock, ${elsewhere}.`
  const quantiles =
    zone.p50 === undefined ? '' : `, median ${formatDuration(zone.p50)}, 99 % ${formatDuration(zone.p99!)}`
  return `Recorded${of}: ${counted(zone.count, 'wait')} for zone->lock, ${formatDuration(zone.total)} in all${quantiles}, longest ${formatDuration(zone.max)}; ${elsewhere}.`
}
