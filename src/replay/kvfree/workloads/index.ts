import { flood, mixed, stalledGracePeriod, trickle, vmalloc } from './others.ts'
import { rcuscale } from './rcuscale.ts'
import type { AnyKvfreeWorkload } from './workload.ts'

/** Workloads of kvfree_rcu() that ship: registered by naming them here. */
export const kvfreeWorkloads = [
  rcuscale,
  flood,
  mixed,
  vmalloc,
  trickle,
  stalledGracePeriod,
] as unknown as readonly AnyKvfreeWorkload[]

export type { AnyKvfreeWorkload, Scene } from './workload.ts'
