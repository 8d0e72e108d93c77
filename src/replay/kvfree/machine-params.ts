import { z } from 'zod'

const price = (ns: number, help: string) => z.number().min(0).default(ns).meta({ unit: 'ns', help })

/**
 * The machine of a workload and what things cost on it. Defaults are the guest of Rezki’s mail of 29 November 2022: 64 CPUs, 10 GB, HZ=1000.
 *
 * Calibrated, each on the rows named: `enqueueNs` on the fastest run of the older kernel (5.38 s), `freeLocalNs` on the mean
 * time of the five runs of v2 (8.52 s), `secondScan` on their grace periods (1761), and `freeRemoteNs`, `rehomeChance`,
 * `atHomeChance` on the spread of time and footprint of the five runs of the older kernel, all in that mail; `callbackNs` on the
 * mean footprint of `cond-sync` (84 MB, Rezki, 2 November 2022). The others are round figures of no weight here.
 */
export const machineParams = {
  cpus: z.int().min(1).max(4096).default(64).meta({ help: 'CPUs.' }),
  hz: z
    .union([z.literal(100), z.literal(250), z.literal(300), z.literal(1000)])
    .default(1000)
    .meta({ help: 'Ticks a second.' }),
  memoryMiB: z.int().min(64).default(9500).meta({
    unit: 'MiB',
    help: 'Available before the workload starts. Producers that find none left reclaim directly and wait for frees.',
  }),
  nocb: z.enum(['all', 'none']).default('none').meta({ help: 'Whose callbacks rcuoc threads invoke (rcu_nocbs=).' }),
  enqueueNs: price(66.5, 'kmalloc() and kvfree_rcu() of one object.'),
  freeLocalNs: price(38, 'Freeing one object in bulk on the CPU that allocated it.'),
  freeRemoteNs: price(72, 'The same on another CPU.'),
  listExtraNs: price(30, 'More for an object that is freed by itself, off a list.'),
  pageNs: price(400, 'A page of pointers allocated by a caller.'),
  workNs: price(3000, 'A worker woken and switched to.'),
  refillDelayNs: price(6000, 'From the request to the refilled page cache: timer, wake, allocation.'),
  refillNs: price(3000, 'CPU time of a refill.'),
  callbackNs: price(
    50_000,
    'Offloaded: from the end of a grace period to the callback, half until rcuog runs, half until rcuoc does.',
  ),
  rehomeChance: z.number().min(0).max(1).default(0.0003).meta({
    help: 'Offloaded: chance at a callback that the scheduler moves its rcuoc thread.',
  }),
  atHomeChance: z.number().min(0).max(1).default(0.06).meta({
    help: 'Offloaded: chance that it then runs on the CPU whose callbacks it invokes; else on an idle one.',
  }),
  pcpHigh: z.int().min(1).default(252).meta({
    unit: 'pages',
    help: 'At so many on a CPU’s page lists a batch goes back to the zone: 4 × batch (zone_highsize()).',
  }),
  pcpBatch: z
    .int()
    .min(1)
    .default(63)
    .meta({ unit: 'pages', help: 'From the zone to a CPU’s empty page lists, or back.' }),
  secondScan: z.number().min(0).max(1).default(0.6).meta({
    help: 'Chance that a grace period takes a second forced scan; 0 from 7.2 on.',
  }),
  readerChance: z.number().min(0).max(1).default(0).meta({ help: 'Chance that a reader outlasts the scans.' }),
  readerNs: price(2e6, 'By how much: the median of a log-normal with σ 1.'),
}
const machineSchema = z.object(machineParams)
export type MachineParams = z.infer<typeof machineSchema>
