import { z } from 'zod'
import { EventBuilder, type Scenario } from '#events'
import { TraceError } from '#kernel/messages'
import type { TraceFormat } from '../format.ts'
import { parseJson } from '../json-file.ts'

export const SCENARIO_SCHEMA = 'kreplay.workload/1'
/** Ours have less than one. */
const MOST_KB = 1024
const hint = '`kreplay synth WORKLOAD -o x.json` writes one.'

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
    if (bytes.length > MOST_KB * 1024) {
      const what = `a workload of more than ${MOST_KB} KiB is none that kreplay wrote`
      throw new TraceError({ place: { file: name }, what, hint })
    }
    const given = parseJson(Buffer.from(bytes).toString(), name, schema, hint)
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
