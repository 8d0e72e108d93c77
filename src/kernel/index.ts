/** kernel: the nouns of the Linux page allocator and RCU, units, errors, and what differs by kernel release. Imports no other room. */
export { cleanJson, cleanText } from './clean.ts'
export { didYouMean } from './did-you-mean.ts'
export { durationScale, formatDuration } from './duration.ts'
export { type Place, shortened, TraceError, UsageError } from './error.ts'
export { formatGfp, migratetypeOf, parseGfp } from './gfp.ts'
export { type Issue, issueText } from './issue-text.ts'
export {
  type AssumedField,
  type BuddyCounts,
  cpusOfZone,
  type Machine,
  type NumaNode,
  type Pageset,
  type Preemption,
  sysctlOf,
  unknownMachine,
  type Zone,
  zoneLabel,
} from './machine.ts'
export { migratetypeName } from './migratetype.ts'
export { notModelled } from './not-modelled.ts'
export { quantile, quantileOfCounts, rankOf } from './quantiles.ts'
export { type Random, randomOf } from './random.ts'
export * from './rcu-sequence.ts'
export { isBeforeKnown, KNOWN_VERSIONS, parseRelease, RECORDED_VERSIONS, type Release, unameOf } from './release.ts'
export { factsOf, type Kernel, releases, versionOf } from './releases/index.ts'
export type { KernelFacts } from './releases/types.ts'
export { systemReason } from './system-reason.ts'
export { type Notice, Tally, type TallyEntry } from './tally.ts'
export { type Traits, traitsOf } from './traits.ts'
export {
  type Cpu,
  type Migratetype,
  NS_PER_SECOND,
  type Ns,
  type Order,
  type Pages,
  type Pfn,
  parseCpuList,
  share,
} from './units.ts'
export { ZoneSpans } from './zone-spans.ts'
