/** A guest's boot, as far as accepting memory changes it. */
export interface Boot {
  /** Everything else, in ns. */
  readonly bootNs: number
  /** Accepting one MiB on one CPU, in ns. */
  readonly mibNs: number
  /** That accept side by side where everything is accepted first. */
  readonly cpus: number
  readonly memoryMiB: number
  /** Accepted before the shell where memory is accepted as it is needed, in MiB: all of it waited for. */
  readonly neededMiB: number
}

/** How many times faster a shell comes where memory is accepted as needed: eager time ÷ lazy time. */
export const speedup = ({ bootNs, mibNs, cpus, memoryMiB, neededMiB }: Boot): number =>
  (bootNs + (memoryMiB * mibNs) / cpus) / (bootNs + neededMiB * mibNs)

/**
 * The boot time, in ns, at which a speedup is reached; undefined where none is. Only its ratio to `mibNs` matters, so every
 * setting that gives the speedup lies on a line.
 */
export function bootFor(
  times: number,
  { mibNs, cpus, memoryMiB, neededMiB }: Omit<Boot, 'bootNs'>,
): number | undefined {
  const bootNs = (mibNs * (memoryMiB / cpus - times * neededMiB)) / (times - 1)
  return bootNs > 0 ? bootNs : undefined
}
