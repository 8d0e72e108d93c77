/** synth: workloads that make a demand, and traces like a capture. One file per workload. */
import { files } from './files.ts'
import { guestBoot } from './guest-boot.ts'
import { pageChurn } from './page-churn.ts'
import { pressure } from './pressure.ts'
import type { AnyWorkload } from './workload.ts'

/** Workloads of synthetic traces that ship: registered by naming them here. */
export const workloads = [guestBoot, pageChurn, pressure, files] as unknown as readonly AnyWorkload[]

export { like, likeParams } from './like.ts'
export type { AnyWorkload } from './workload.ts'
