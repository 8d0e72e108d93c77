import { z } from 'zod'

export const NOT_MODELLED =
  'What kreplay does not model of the recording kernel and machine, a sentence each. Every output begins with these.'

export const nodeOfZone = z
  .number()
  .optional()
  .meta({ help: 'NUMA node of the zone: two nodes may both have a zone DMA32. Older reports lack it.' })

/** Older reports lack it. */
export const notModelledSchema = z.array(z.string()).optional().meta({ help: NOT_MODELLED })
