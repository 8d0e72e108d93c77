import type { z } from 'zod'
import type { Cpu, Ns } from '#kernel'
import type { Flow } from '../flows.ts'
import type { MachineParams } from '../machine-params.ts'

/** What a workload comes to with its parameters: the machine, its tasks, and what befalls it. */
export interface Scene {
  readonly machine: MachineParams
  /** At most one on a CPU. */
  readonly flows: readonly Flow[]
  readonly stalls: readonly { readonly at: Ns; readonly forNs: Ns }[]
  /** How long to watch after the last call. */
  readonly tailNs: Ns
  /** Until then synchronize_rcu() waits for an expedited grace period, since the system boots. Absent: it has booted. */
  readonly bootedAt?: Ns
  /** Where the workload is the kernel's own benchmark, which prints a line. */
  readonly rcuscale?: { readonly loops: number }
}

/** A workload for the machine model: tasks that call kvfree_rcu(). No events are made of it. */
export interface KvfreeWorkload<P extends z.ZodObject = z.ZodObject> {
  readonly id: string
  /** One line for the catalogue. */
  readonly title: string
  readonly source: string
  readonly leavesOut: string
  readonly params: P
  readonly create: (params: z.infer<P>) => Scene
}
export type AnyKvfreeWorkload = KvfreeWorkload<z.ZodObject>

export const defineKvfreeWorkload = <P extends z.ZodObject>(workload: KvfreeWorkload<P>): KvfreeWorkload<P> => workload

/** Long enough for what rules leave behind for 5 s. */
export const TAIL_NS: Ns = 5.1e9

/** One for each of the first CPUs. */
export const onCpus = <T>(cpus: number, make: (cpu: Cpu) => T): T[] =>
  Array.from({ length: cpus }, (_, cpu) => make(cpu))

/** kmalloc caches of x86-64. */
const KMALLOC_SIZES = [8, 16, 32, 64, 96, 128, 192, 256, 512, 1024, 2048, 4096, 8192]
/** What kmalloc() takes for an object of `bytes`: its cache's object, or whole pages. */
export const kmallocBytes = (bytes: number): number =>
  KMALLOC_SIZES.find((size) => size >= bytes) ?? Math.ceil(bytes / 4096) * 4096
