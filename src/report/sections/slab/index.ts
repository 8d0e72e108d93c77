import type { SlabComparison } from '#metrics/slab'
import type { Group } from '../group.ts'
import { policyParameters } from '../policy-parameters.ts'
import { provenance } from '../provenance.ts'
import { slabCaches } from './caches.ts'
import { slabFidelity } from './fidelity.ts'
import { slabFinding } from './finding.ts'
import { slabOverTime } from './over-time.ts'
import { slabPages } from './pages.ts'
import { slabSweep } from './sweep.ts'
import { slabWork } from './work.ts'

export const slabGroups: readonly Group<SlabComparison>[] = [
  { id: 'first', sections: [slabFinding] },
  { id: 'why', sections: [slabWork, slabSweep, slabOverTime] },
  { id: 'who', sections: [slabCaches, slabPages] },
  { id: 'trust', sections: [slabFidelity] },
  { id: 'inputs', sections: [provenance, policyParameters] },
]
