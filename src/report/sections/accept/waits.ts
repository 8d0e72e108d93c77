import type { AcceptComparison } from '#metrics/accept'
import { perCapture, sum } from '../common.ts'
import { duration, type Section, text } from '../section.ts'

/** Lock waits and interrupts by CPU and node. */
export const acceptWaits: Section<AcceptComparison> = {
  id: 'waits',
  question: 'Who waits for whom while memory is accepted?',
  short: 'Lock waits',
  applies: ({ runs }) =>
    runs.some(({ waits }) => sum(waits.map(({ zoneNs, bitmapNs, unitNs }) => zoneNs + bitmapNs + unitNs)) > 0),
  build: (comparison) => ({
    tables: perCapture(comparison, (_capture, runs, of) => [
      {
        caption: `Waits of each CPU${of}`,
        columns: [
          text('policy'),
          text('CPU'),
          duration('for zone->lock', 'fewer'),
          duration('for the bitmap’s lock', 'fewer'),
          duration('for a range in flight', 'fewer'),
          duration('interrupts off, longest', 'fewer'),
        ],
        rows: runs.flatMap(({ policy, waits, irqsOff }) =>
          waits.map(({ cpu, zoneNs, bitmapNs, unitNs }, at) => [
            policy,
            String(cpu),
            zoneNs,
            bitmapNs,
            unitNs,
            irqsOff[at]?.longestNs,
          ]),
        ),
      },
      {
        caption: `Waits for each node’s zone->lock${of}`,
        columns: [text('policy'), text('node'), duration('waited', 'fewer')],
        rows: runs.flatMap(({ policy, nodes }) =>
          nodes.map(({ node, zoneWaitNs }) => [policy, String(node), zoneWaitNs]),
        ),
      },
    ]),
  }),
}
