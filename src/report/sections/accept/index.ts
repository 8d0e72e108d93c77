import type { AcceptComparison } from '#metrics/accept'
import type { Group } from '../group.ts'
import { plainFinding } from '../plain-finding.ts'
import { policyParameters } from '../policy-parameters.ts'
import { provenance } from '../provenance.ts'
import { acceptOverTime } from './over-time.ts'
import { acceptWaits } from './waits.ts'
import { whoPays } from './who-pays.ts'

export const acceptGroups: readonly Group<AcceptComparison>[] = [
  { id: 'first', sections: [plainFinding] },
  { id: 'why', sections: [acceptOverTime] },
  { id: 'who', sections: [whoPays, acceptWaits] },
  { id: 'inputs', sections: [provenance, policyParameters] },
]
