import { z } from 'zod'

const flow = {
  pages: z.number().meta({ unit: 'pages', help: 'Freed, and the allocation was recorded.' }),
  crossCpu: z.number().meta({ unit: 'pages', help: 'Of these, freed on another CPU than allocated on.' }),
}

/** Pages by the CPU that allocated them and the CPU that freed them, of those of which both were recorded. */
export const cpuFlowsSchema = z.object({
  matrix: z.array(
    z.object({
      allocatedOn: z.number(),
      freedOn: z.record(z.string(), z.number()).meta({ help: 'Pages by the CPU that freed them; none: left out.' }),
      frees: z
        .record(z.string(), z.number())
        .meta({ help: 'The same in frees: each counts once, by its first page, whatever its order.' }),
    }),
  ),
  byOrder: z.array(z.object({ order: z.number().meta({ help: 'Of the free.' }), ...flow })),
  byFreeing: z.array(z.object({ comm: z.string().optional(), ...flow })).meta({ help: 'By the process that freed.' }),
  byAllocating: z
    .array(z.object({ comm: z.string().optional(), ...flow }))
    .meta({ help: 'By the process that allocated.' }),
  overTime: z
    .array(z.object({ t: z.number().meta({ unit: 'ns' }), ...flow }))
    .meta({ help: 'By the moment of the free: equal spans, `t` their ends, after the trace’s first whole second.' }),
})
export type CpuFlows = z.infer<typeof cpuFlowsSchema>
