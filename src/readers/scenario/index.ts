import { z } from 'zod'
import { EventBuilder, type Scenario } from '#events'
import { TraceError } from '#kernel'
import type { TraceFormat } from '../format.ts'

export const SCENARIO_SCHEMA = 'kreplay.workload/1'

const schema = z.object({
  schema: z.literal(SCENARIO_SCHEMA),
  workload: z.string(),
  params: z.record(z.string(), z.union([z.number(), z.string(), z.boolean()])),
  seed: z.int(),
}) satisfies z.ZodType<Scenario & { schema: string }>

/** A workload for the machine model, as `kreplay synth WORKLOAD -o x.json` writes it: no events, but what would make them. */
export const scenario: TraceFormat = {
  id: 'kreplay workload',
  sniff: (head) =>
    /^\uFEFF?\s*\{\s*"schema"\s*:\s*"kreplay\.workload\//.test(Buffer.from(head.subarray(0, 256)).toString()),
  read: ({ name, bytes }) => {
    const given = parse(Buffer.from(bytes).toString(), name)
    const { workload, params, seed } = given
    return {
      format: SCENARIO_SCHEMA,
      events: new EventBuilder().finish(),
      tally: [],
      resolutionNs: 1,
      scenario: { workload, params, seed },
    }
  },
}

function parse(text: string, file: string): z.infer<typeof schema> {
  const hint = '`kreplay synth WORKLOAD -o x.json` writes one.'
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new TraceError({ place: { file }, what: `is no JSON: ${(error as Error).message}`, hint })
  }
  const result = schema.safeParse(value)
  if (result.success) return result.data
  throw new TraceError({
    place: { file },
    what: z.prettifyError(result.error).split('\n').slice(0, 4).join('; '),
    hint,
  })
}
