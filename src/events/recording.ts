import type { Machine } from '#kernel'
import type { TallyEntry } from '#kernel/messages'
import type { Events } from './events.ts'

/** A trace and what is known of the machine that made it: what every replay starts from. */
export interface Recording {
  /** Short name for tables: the capture folder’s or file’s name. */
  readonly name: string
  /** Reader that took it, e.g. `trace.dat v7 (zstd)`. */
  readonly format: string
  /** Trace clock by its kernel name, where the format tells. */
  readonly clock?: string
  /** Events that the file describes, recorded or not, where the format says: a probe that was on and never hit is among them. */
  readonly described?: readonly string[]
  /** Gfp flags that the kernel’s table lacks, and the bits that they have in these events: free ones, from 31 down. */
  readonly gfpNames?: Readonly<Record<string, number>>
  /** Step of the recorded stamps in ns: 1, or 1000 for text with six digits. */
  readonly resolutionNs: number
  readonly events: Events
  readonly machine: Machine
  /** What the reader skipped, by cause. */
  readonly tally: readonly TallyEntry[]
  /** Where there are no events, but a workload that a machine model runs. */
  readonly scenario?: Scenario
}

/** A workload for a machine model, by its id and what is set. */
export interface Scenario {
  readonly workload: string
  readonly params: Readonly<Record<string, number | string | boolean>>
  readonly seed: number
}
