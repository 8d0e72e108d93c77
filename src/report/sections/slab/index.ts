import type { SlabComparison } from '#metrics/slab'
import type { Group } from '../group.ts'
import { plainFinding } from '../plain-finding.ts'
import { policyParameters } from '../policy-parameters.ts'
import { provenance } from '../provenance.ts'
import { slabCaches } from './caches.ts'
import { slabFidelity } from './fidelity.ts'
import { slabOverTime } from './over-time.ts'
import { slabPages } from './pages.ts'
import { slabSweep } from './sweep.ts'
import { slabWork } from './work.ts'

export const slabGroups: readonly Group<SlabComparison>[] = [
  { id: 'first', sections: [plainFinding] },
  { id: 'why', sections: [slabWork, slabSweep, slabOverTime] },
  { id: 'who', sections: [slabCaches, slabPages] },
  { id: 'trust', sections: [slabFidelity] },
  { id: 'inputs', sections: [provenance, policyParameters] },
]
