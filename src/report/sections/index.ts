import { bursts } from './bursts.ts'
import { cachedPages } from './cached-pages.ts'
import { comparison } from './comparison.ts'
import { fidelity } from './fidelity.ts'
import { glossary } from './glossary.ts'
import { headline } from './headline.ts'
import { interruptions } from './interruptions.ts'
import { parameters } from './parameters.ts'
import { priced } from './priced.ts'
import { provenance } from './provenance.ts'
import type { Section } from './section.ts'
import { served } from './served.ts'
import { stranded } from './stranded.ts'
import { zoneLockWork } from './zone-lock.ts'

/** The report, in reading order: what was found, whether to believe it, the numbers, and where they come from. */
export const sections: readonly Section[] = [
  headline,
  fidelity,
  comparison,
  interruptions,
  cachedPages,
  stranded,
  zoneLockWork,
  bursts,
  served,
  priced,
  provenance,
  parameters,
  glossary,
]
