/** The face of kernel/releases: what differs by kernel release, one file each. */
import { facts510, linux510 } from './5.10.ts'
import { linux513 } from './5.13.ts'
import { linux514 } from './5.14.ts'
import { linux515 } from './5.15.ts'
import { linux518 } from './5.18.ts'
import { linux60 } from './6.0.ts'
import { linux61 } from './6.1.ts'
import { linux63 } from './6.3.ts'
import { linux64 } from './6.4.ts'
import { linux66 } from './6.6.ts'
import { linux67 } from './6.7.ts'
import { linux69 } from './6.9.ts'
import { linux610 } from './6.10.ts'
import { linux612 } from './6.12.ts'
import { linux613 } from './6.13.ts'
import { linux616 } from './6.16.ts'
import { linux618 } from './6.18.ts'
import { linux619 } from './6.19.ts'
import { linux70 } from './7.0.ts'
import { linux72 } from './7.2.ts'
import { linux73 } from './7.3.ts'
import { olderFlags } from './gfp-flags.ts'
import type { Change, KernelFacts, KernelNumber, KernelRelease } from './types.ts'

/** The whole registration, oldest first: a release's file, named here. */
export const releases: readonly KernelRelease[] = [
  linux510,
  linux513,
  linux514,
  linux515,
  linux518,
  linux60,
  linux61,
  linux63,
  linux64,
  linux66,
  linux67,
  linux69,
  linux610,
  linux612,
  linux613,
  linux616,
  linux618,
  linux619,
  linux70,
  linux72,
  linux73,
]

/** A recording that does not say which kernel made it is taken to be of this release. The only place that says so. */
export const ASSUMED_VERSION = '6.1'

/** A kernel: as read from its uname, or `6.12` for the newest stable level of that branch. Undefined: not known. */
export type Kernel = KernelNumber | string | undefined

export function numberOf(kernel: Kernel): KernelNumber {
  if (typeof kernel === 'object') return kernel
  const [major = 0, minor = 0, stable] = (kernel ?? ASSUMED_VERSION).split('.').map(Number)
  return { major, minor, ...(stable === undefined ? {} : { stable }) }
}

export const branchOf = ({ major, minor }: KernelNumber): string => `${major}.${minor}`
export const isBefore = (one: KernelNumber, other: KernelNumber): boolean =>
  one.major < other.major || (one.major === other.major && one.minor < other.minor)

/** Whether a change of release `since` is in a kernel: it is as new, or its stable level has the backport. */
function holds(kernel: KernelNumber, since: KernelNumber, { backports }: Change): boolean {
  if (!isBefore(kernel, since)) return true
  const level = backports?.[branchOf(kernel)]
  return level !== undefined && (kernel.stable ?? Number.POSITIVE_INFINITY) >= level
}

const cache = new Map<string, KernelFacts>()

/** What holds for a kernel. Older ones than the first release have its rules, and their own flags. */
export function factsOf(kernel: Kernel): KernelFacts {
  const number = numberOf(kernel)
  const key = `${branchOf(number)}.${number.stable ?? ''}`
  let facts = cache.get(key)
  if (facts === undefined) {
    facts = collect(number)
    cache.set(key, facts)
  }
  return facts
}

function collect(kernel: KernelNumber): KernelFacts {
  let facts = facts510
  const oldest = numberOf(releases[0]!.version)
  if (isBefore(kernel, oldest)) {
    const { flags } = olderFlags.find(({ from: [major, minor] }) => !isBefore(kernel, { major, minor }))!
    const before44 = isBefore(kernel, { major: 4, minor: 4 })
    // Linux 4.4 put MOVABLE before RECLAIMABLE. Source: enum migratetype, include/linux/mmzone.h.
    const migratetypes = before44 ? ['UNMOVABLE', 'RECLAIMABLE', 'MOVABLE', 'RESERVE'] : facts.migratetypes
    return { ...facts, gfp: flags, migratetypes }
  }
  for (const { version, changes } of releases)
    for (const change of changes) {
      if (!holds(kernel, numberOf(version), change)) continue
      const gfp = Object.entries({ ...facts.gfp, ...change.gfp })
      facts = {
        ...facts,
        ...change.facts,
        gfp: Object.fromEntries(gfp.filter((flag): flag is [string, number] => flag[1] !== null)),
      }
    }
  return facts
}

/** The newest registered release that a kernel is not older than; of older kernels the first. */
export function versionOf(kernel: Kernel): string {
  const number = numberOf(kernel)
  return (releases.findLast(({ version }) => !isBefore(number, numberOf(version))) ?? releases[0]!).version
}
export type { KernelFacts } from './types.ts'
