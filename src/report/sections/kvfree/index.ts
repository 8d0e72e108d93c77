import type { KvfreeComparison } from '#metrics/kvfree'
import type { Group } from '../group.ts'
import { plainFinding } from '../plain-finding.ts'
import { policyParameters } from '../policy-parameters.ts'
import { provenance } from '../provenance.ts'
import { kvfreeChannels } from './channels.ts'
import { kvfreeFidelity } from './fidelity.ts'
import { kvfreeFootprint } from './footprint.ts'
import { kvfreeLatency } from './latency.ts'
import { kvfreeSeedTable } from './seed-table.ts'
import { kvfreeTimeline } from './timeline.ts'

export const kvfreeGroups: readonly Group<KvfreeComparison>[] = [
  { id: 'first', sections: [plainFinding] },
  { id: 'why', sections: [kvfreeFootprint, kvfreeTimeline, kvfreeChannels] },
  { id: 'who', sections: [kvfreeLatency] },
  { id: 'trust', sections: [kvfreeFidelity, kvfreeSeedTable] },
  { id: 'inputs', sections: [provenance, policyParameters] },
]
