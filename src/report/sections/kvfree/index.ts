import type { KvfreeComparison } from '#metrics'
import { policyParameters } from '../policy-parameters.ts'
import { provenance } from '../provenance.ts'
import type { Section } from '../section.ts'
import { kvfreeChannels } from './channels.ts'
import { kvfreeFidelity } from './fidelity.ts'
import { kvfreeFinding } from './finding.ts'
import { kvfreeFootprint } from './footprint.ts'
import { kvfreeLatency } from './latency.ts'
import { kvfreeSeedTable } from './seed-table.ts'
import { kvfreeTimeline } from './timeline.ts'

export const kvfreeSections: readonly Section<KvfreeComparison>[] = [
  kvfreeFinding,
  kvfreeFidelity,
  kvfreeSeedTable,
  kvfreeFootprint,
  kvfreeLatency,
  kvfreeTimeline,
  kvfreeChannels,
  provenance,
  policyParameters,
]
