import type { Comparison } from '#metrics'
import { acceptSections } from './accept/index.ts'
import { bounds } from './bounds.ts'
import { bursts } from './bursts.ts'
import { cachedPages } from './cached-pages.ts'
import { comparison } from './comparison.ts'
import { contiguity } from './contiguity.ts'
import { drainWaits } from './drain-waits.ts'
import { fastPath } from './fast-path.ts'
import { fidelity } from './fidelity.ts'
import { glossary } from './glossary.ts'
import { headline } from './headline.ts'
import { interruptions } from './interruptions.ts'
import { kvfreeSections } from './kvfree/index.ts'
import { lockTimes } from './lock-times.ts'
import { parameters } from './parameters.ts'
import { priced } from './priced.ts'
import { provenance } from './provenance.ts'
import type { Section } from './section.ts'
import { served } from './served.ts'
import { stranded } from './stranded.ts'
import { zoneLockWork } from './zone-lock.ts'

type SectionsOf = { readonly [F in Comparison['family']]: readonly Section<Extract<Comparison, { family: F }>>[] }

/** The report of each family, in reading order: what was found, whether to believe it, the numbers, and where they come from. */
const sections: SectionsOf = {
  accept: acceptSections,
  kvfree: kvfreeSections,
  pcp: [
    headline,
    fidelity,
    comparison,
    interruptions,
    drainWaits,
    lockTimes,
    fastPath,
    cachedPages,
    stranded,
    zoneLockWork,
    bounds,
    bursts,
    served,
    contiguity,
    priced,
    provenance,
    parameters,
    glossary,
  ],
}

/** Those of its family. */
export const sectionsOf = <C extends Comparison>(comparison: C): readonly Section<C>[] =>
  sections[comparison.family] as unknown as readonly Section<C>[]
