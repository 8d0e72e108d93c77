/** kernel: the nouns of the Linux page allocator and RCU, units, errors, and what differs by kernel release. Imports no other room. */
export { formatGfp, freeGfpBits, migratetypeOf, parseGfp } from './gfp.ts'
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
export { notModelled, unmodelledRules } from './not-modelled.ts'
export { isBeforeKnown, KNOWN_VERSIONS, parseRelease, RECORDED_VERSIONS, type Release, unameOf } from './release.ts'
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
