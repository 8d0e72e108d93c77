import { z } from 'zod'
import type { Recording } from '#events'
import { counted } from '#kernel/messages'
import { quantile } from '#kernel/numbers'
import { fitHolds, type HoldFit, holdFitSchema } from './fit.ts'
import { measuredHolds } from './holds.ts'
import { type Prices, pricesSchema } from './prices.ts'

const waitsSchema = z.object({
  waits: z.int().meta({ help: 'Refills and bulk frees that waited for zone->lock.' }),
  totalNs: z.number(),
  medianNs: z.number().optional().meta({ help: 'Absent below 20 waits.' }),
  p99Ns: z.number().optional().meta({ help: 'Absent below 20 waits.' }),
})

/** What `prices --json` prints. */
export const measuredPricesSchema = z.object({
  schema: z.literal('kreplay.prices/1'),
  capture: z.string(),
  kernel: z.string(),
  bulkFree: holdFitSchema.optional().meta({ help: 'Absent where fewer than two size classes have 20 holds.' }),
  refill: holdFitSchema.optional().meta({
    help: 'Absent where refills could not be timed: the price list then takes the line of bulk frees for them.',
  }),
  probeNs: z.number().optional().meta({ help: 'Median cost of one probe, taken off each hold. Absent: not measured.' }),
  unpaired: z.int(),
  recordedWaits: waitsSchema.optional().meta({ help: 'Absent where the kernel records no waits (before 5.19).' }),
  prices: pricesSchema.optional().meta({ help: 'The price list. Absent where bulk frees can’t be fitted.' }),
})
export type MeasuredPrices = z.infer<typeof measuredPricesSchema>

function waitsOf(waitNs: readonly number[]): z.infer<typeof waitsSchema> {
  const sorted = waitNs.toSorted((a, b) => a - b)
  const totalNs = sorted.reduce((sum, ns) => sum + ns, 0)
  if (sorted.length < 20) return { waits: sorted.length, totalNs }
  return { waits: sorted.length, totalNs, medianNs: quantile(sorted, 0.5)!, p99Ns: quantile(sorted, 0.99)! }
}

const MICRO = 1000

const pointsOf = ({ classes }: HoldFit): Prices['bulkFreeUs'] =>
  classes.flatMap(({ pages, medianNs, p99Ns }): Prices['bulkFreeUs'] =>
    p99Ns === undefined ? [] : [[pages, medianNs / MICRO, p99Ns / MICRO]],
  )

const lineOf = ({ baseNs, pageNs }: HoldFit) => ({ baseNs, pageNs })

/** A price list of the machine that was recorded, with how well it fits and what the probes cost. */
export function measurePrices(recording: Recording): MeasuredPrices {
  const holds = measuredHolds(recording)
  const probes = holds.probeNs.toSorted((a, b) => a - b)
  const probeNs = quantile(probes, 0.5)
  const [bulkFree, refill] = [fitHolds(holds.bulkFree, probeNs ?? 0), fitHolds(holds.refill, probeNs ?? 0)]
  const kernel = recording.machine.release?.text ?? 'unknown'
  return {
    schema: 'kreplay.prices/1',
    capture: recording.name,
    kernel,
    ...(bulkFree === undefined ? {} : { bulkFree }),
    ...(refill === undefined ? {} : { refill }),
    ...(probeNs === undefined ? {} : { probeNs }),
    unpaired: holds.unpaired,
    ...(holds.hasWaits ? { recordedWaits: waitsOf(holds.waitNs) } : {}),
    ...(bulkFree === undefined ? {} : { prices: priceList(recording, kernel, bulkFree, refill, probeNs) }),
  }
}

function priceList(
  { name, machine }: Recording,
  kernel: string,
  bulkFree: HoldFit,
  refill: HoldFit | undefined,
  probeNs: number | undefined,
): Prices {
  const refills =
    refill === undefined
      ? 'refills could not be timed and are priced as bulk frees of their size'
      : counted(refill.holds, 'refill')
  const probe = probeNs === undefined ? 'the probes’ cost is included' : `${Math.round(probeNs)} ns of probe taken off`
  return {
    id: name,
    machine: `the recorded machine: ${counted(machine.cpus.length, 'CPU')}, Linux ${kernel}`,
    method: `probes at entry and return of free_pcppages_bulk() and rmqueue_bulk(), medians of size classes; ${counted(bulkFree.holds, 'bulk free')}, ${refills}; waits for the lock taken off, ${probe}`,
    source: `kreplay prices ${name}`,
    bulkFreeUs: pointsOf(bulkFree),
    refillUs: pointsOf(refill ?? bulkFree),
    lines: { bulkFree: lineOf(bulkFree), refill: lineOf(refill ?? bulkFree) },
  }
}
