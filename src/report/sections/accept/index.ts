import type { AcceptComparison } from '#metrics'
import { policyParameters } from '../policy-parameters.ts'
import { provenance } from '../provenance.ts'
import type { Section } from '../section.ts'
import { acceptFinding } from './finding.ts'
import { acceptOverTime } from './over-time.ts'
import { acceptWaits } from './waits.ts'
import { whoPays } from './who-pays.ts'

export const acceptSections: readonly Section<AcceptComparison>[] = [
  acceptFinding,
  whoPays,
  acceptWaits,
  acceptOverTime,
  provenance,
  policyParameters,
]
