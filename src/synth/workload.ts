import type { z } from 'zod'
import type { Events } from '#events'
import type { Demand } from '#events/demand'
import type { Machine, Release } from '#kernel'

/** What every workload is given beside its parameters. */
export interface Setting {
  readonly seed: number
  /** The kernel that the trace is to be of. */
  readonly release: Release
}

/** A workload as made: what its tasks ask of the page allocator, or, where no page list answers, events ready to write. */
export type Synthetic = { readonly machine: Machine } & (
  | { readonly demand: Demand; readonly events?: never }
  | { readonly events: Events; readonly demand?: never }
)

export interface Workload<P extends z.ZodObject = z.ZodObject> {
  readonly id: string
  /** One line for the catalogue. */
  readonly title: string
  readonly source: string
  readonly leavesOut: string
  readonly params: P
  /** A pure function of parameters, seed and release. */
  readonly create: (params: z.infer<P>, setting: Setting) => Synthetic
  /** Its parameters as a capture shows them, or why a capture shows none. */
  readonly fromCapture: ((demand: Demand, machine: Machine) => Record<string, number>) | string
}

export type AnyWorkload = Workload<z.ZodObject>

export const defineWorkload = <P extends z.ZodObject>(workload: Workload<P>): Workload<P> => workload
