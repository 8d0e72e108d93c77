import type { Comparison } from '#metrics'
import { acceptGroups } from './accept/index.ts'
import { bounds } from './bounds.ts'
import { bursts } from './bursts.ts'
import { cachedPages } from './cached-pages.ts'
import { comparison } from './comparison.ts'
import { contiguity } from './contiguity.ts'
import { cpuFlows } from './cpu-flows.ts'
import { drainWaits } from './drain-waits.ts'
import { fastPath } from './fast-path.ts'
import { fidelity } from './fidelity.ts'
import { glossary } from './glossary.ts'
import type { Group } from './group.ts'
import { headline } from './headline.ts'
import { interruptions } from './interruptions.ts'
import { kvfreeGroups } from './kvfree/index.ts'
import { lockTimes } from './lock-times.ts'
import { losses } from './losses.ts'
import { parameters } from './parameters.ts'
import { priced } from './priced.ts'
import { provenance } from './provenance.ts'
import type { Section } from './section.ts'
import { served } from './served.ts'
import { slabGroups } from './slab/index.ts'
import { stranded } from './stranded.ts'
import { deferredWork } from './works.ts'
import { zoneLockWork } from './zone-lock.ts'

/** What each group answers. */
export const groupQuestions: { readonly [G in Group['id']]: string } = {
  first: 'What did the replay find?',
  why: 'Why do the policies differ?',
  who: 'Who pays?',
  trust: 'How far can this be trusted?',
  inputs: 'What went in?',
}

type GroupsOf = { readonly [F in Comparison['family']]: readonly Group<Extract<Comparison, { family: F }>>[] }

/** The report of each family, in reading order. */
const groups: GroupsOf = {
  accept: acceptGroups,
  kvfree: kvfreeGroups,
  slab: slabGroups,
  pcp: [
    { id: 'first', sections: [headline] },
    { id: 'why', sections: [zoneLockWork, comparison, bursts, cachedPages, served, bounds, contiguity] },
    { id: 'who', sections: [interruptions, drainWaits, deferredWork, cpuFlows, lockTimes, fastPath, stranded, priced] },
    { id: 'trust', sections: [fidelity, losses] },
    { id: 'inputs', sections: [provenance, parameters, glossary] },
  ],
}

/** Those of its family. */
export const groupsOf = <C extends Comparison>(comparison: C): readonly Group<C>[] =>
  groups[comparison.family] as unknown as readonly Group<C>[]

/** All sections of its family, in reading order. */
export const sectionsOf = <C extends Comparison>(comparison: C): readonly Section<C>[] =>
  groupsOf(comparison).flatMap(({ sections }) => sections)
