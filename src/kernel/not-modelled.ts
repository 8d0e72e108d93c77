import type { Machine } from './machine.ts'
import { branchName, isAfterKnown, isBeforeKnown, KNOWN_VERSIONS, type Release } from './release.ts'

function ofRelease(release: Release): string | undefined {
  const { text, vendor, rules } = release
  const branch = branchName(release)
  const nearest =
    branch === rules || (!isBeforeKnown(release) && !isAfterKnown(release))
      ? `the rules of Linux ${branch} are used`
      : `the nearest known rules are used, those of Linux ${rules}`
  if (vendor !== undefined)
    return `${text} is built by ${vendor}, whose changes to the page allocator are not known: ${nearest}.`
  if (isBeforeKnown(release))
    return `Linux ${text} is older than ${KNOWN_VERSIONS[0]}, the oldest kernel whose rules are known: ${nearest}.`
  if (isAfterKnown(release))
    return `Linux ${text} is newer than ${KNOWN_VERSIONS.at(-1)}, the newest kernel whose rules are known: ${nearest}.`
  return undefined
}

const PREEMPTION = {
  rt: 'PREEMPT_RT is not modelled: try-locks that fail on their own CPU, preempted refills and preempted bulk frees. Scores and what-ifs of page lists are unreliable.',
  full: 'Full preemption is not modelled: refills and bulk frees that are interrupted half-way. Scores and what-ifs of page lists are unreliable.',
} as const

/** The preemption model, where the page-list rules do not cover it: then no fidelity score holds for what-ifs. Undefined where they do. */
export const unmodelledRules = ({ preemption }: Pick<Machine, 'preemption'>): string | undefined =>
  preemption === 'rt' ? 'PREEMPT_RT' : preemption === 'full' ? 'full preemption' : undefined

/** What kreplay does not model of the recording machine, one sentence each, the kernel first. Every output begins with these. */
export function notModelled({ release, preemption }: Pick<Machine, 'release' | 'preemption'>): string[] {
  const kernel = release === undefined ? undefined : ofRelease(release)
  return [
    ...(kernel === undefined ? [] : [kernel]),
    ...(preemption === 'rt' || preemption === 'full' ? [PREEMPTION[preemption]] : []),
  ]
}
