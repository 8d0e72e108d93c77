import { z } from 'zod'
import { type Events, Kind } from '#events'
import { ABSENT } from '#events/columns'
import type { Cpu, Ns } from '#kernel'
import { spreadOf } from './sums.ts'

export const lockWaitsSchema = z.object({
  zone: z
    .object({
      count: z.number(),
      total: z.number().meta({ unit: 'ns' }),
      min: z.number(),
      p50: z.number().optional(),
      p99: z.number().optional(),
      max: z.number(),
    })
    .optional()
    .meta({ unit: 'ns', help: 'Waits for zone->lock. Absent where no probe recorded a zone’s address.' }),
  others: z.number().meta({ help: 'Waits for other locks, or for any where no zone’s address is known.' }),
})
export type LockWaits = z.infer<typeof lockWaitsSchema>

/** Assumed to be more than sizeof(struct zone) on every architecture; of the locks in it, CPUs contend for `lock` alone. */
const ZONE_BYTES = 8192n

const NOTHING_WAITED: NonNullable<LockWaits['zone']> = { count: 0, total: 0, min: 0, max: 0 }

/**
 * Waits for locks as `lock:contention_begin` and `_end` recorded them, from 5.19 on. zone->lock is recognised by its address: it lies in the
 * struct zone that a probe of a pageset’s state names. Undefined where no wait was recorded.
 */
export function surveyLockWaits(events: Events): LockWaits | undefined {
  const { contention_begin: begins, contention_end: ends, pcp_state: states } = events.tables
  if (begins.length === 0 || ends.length === 0) return undefined
  const zones = zonesOf(states.column.zone.data.subarray(0, states.length))
  /** By CPU, those that wait there: an interrupt may wait while its task does. */
  const waiting = new Map<Cpu, Map<bigint, Ns>>()
  const waits: Ns[] = []
  let others = 0
  for (let row = 0; row < events.length; row++) {
    const kind = events.kind[row]!
    if (kind !== Kind.contention_begin && kind !== Kind.contention_end) continue
    const slot = events.slot[row]!
    const cpu = events.cpu[row]!
    const lock = (kind === Kind.contention_begin ? begins : ends).column.lockAddr.data[slot]!
    const here = waiting.get(cpu) ?? new Map<bigint, Ns>()
    waiting.set(cpu, here)
    if (kind === Kind.contention_begin) {
      here.set(lock, events.time[row]!)
      continue
    }
    const since = here.get(lock)
    if (since === undefined) continue
    here.delete(lock)
    if (isInZone(zones, lock)) waits.push(events.time[row]! - since)
    else others++
  }
  if (zones.length === 0) return { others }
  return { zone: spreadOf(waits) ?? NOTHING_WAITED, others }
}

/** Addresses of zones, each once, in order. */
function zonesOf(addresses: BigUint64Array): bigint[] {
  const found = new Set<bigint>()
  for (const address of addresses) if (address !== ABSENT.u64 && address !== 0n) found.add(address)
  return [...found].sort((a, b) => (a < b ? -1 : 1))
}

const isInZone = (zones: readonly bigint[], lock: bigint): boolean => {
  const zone = zones.findLast((start) => start <= lock)
  return zone !== undefined && lock - zone < ZONE_BYTES
}
