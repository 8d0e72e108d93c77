import { z } from 'zod'

export const NOT_MODELLED =
  'What kreplay does not model of the recording kernel and machine, a sentence each. Every output begins with these.'

export const nodeOfZone = z
  .number()
  .optional()
  .meta({ help: 'NUMA node of the zone: two nodes may both have a zone DMA32. Older reports lack it.' })

/** Older reports lack it. */
export const notModelledSchema = z.array(z.string()).optional().meta({ help: NOT_MODELLED })

export const windowSchema = z.object({ from: z.number(), to: z.number() }).meta({
  unit: 's',
  help: 'Seconds of the trace’s clock that are counted, where not all are: from `from`, and before `to`.',
})
