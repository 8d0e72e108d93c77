import { z } from 'zod'
import type { ParamValue } from '#policies'
import { expanded } from './ranges.ts'

export const SWEEP_SCHEMA = 'kreplay.sweep/1'

const value = z.union([z.number(), z.boolean(), z.string()])

/** One value, a range or a list of both: `64`, `0..64 step 8`, `[16, 31, 63]`. */
const values = z
  .union([value, z.array(value).min(1)])
  .check(({ value: given, issues }) => {
    const all = expanded(given as ParamValue | ParamValue[])
    if (typeof all === 'string') issues.push({ code: 'custom', message: all, input: given })
  })
  .meta({ description: 'A value, a range such as "0..64 step 8" or "1000..1e9 log 7", or a list of both.' })

const settings = z.record(z.string().regex(/^[A-Za-z]\w*$/), values)

const digest = z.string().regex(/^[0-9a-f]{64}$/, 'must be the 64 hex digits of a SHA-256')

const capture = z.union([
  z.string().min(1),
  z.strictObject({
    path: z.string().min(1),
    sha256: digest.optional().meta({ description: 'Of the file’s bytes; another object is refused.' }),
    isolated: z.array(z.int().min(0)).optional().meta({ description: 'Default: what its command line says.' }),
  }),
])

const policy = z.union([
  z.string().min(1),
  z.strictObject({
    id: z.string().min(1),
    set: settings.default({}).meta({ description: 'Every combination of these is a run.' }),
  }),
])

/** A scenario of `kreplay sweep`. The only list of its fields: checks, types and the JSON Schema for editors read it. */
export const sweepSchema = z
  .strictObject({
    $schema: z.string().optional().meta({ description: 'For editors.' }),
    schema: z.literal(SWEEP_SCHEMA).optional(),
    captures: z
      .array(capture)
      .min(1)
      .meta({ description: 'Captures, folders of captures, globs, https:// and s3:// addresses.' }),
    policies: z.array(policy).min(1).meta({ description: 'Ids of one family, as `kreplay policies` lists them.' }),
    policyFiles: z.array(z.string().min(1)).default([]).meta({ description: '.ts files with policies of your own.' }),
    baseline: z
      .string()
      .optional()
      .meta({ description: 'Policy that the others are compared with; default the first.' }),
    set: settings.default({}).meta({ description: 'For every policy that has the parameter; all combinations.' }),
    assumptions: settings.default({}).meta({
      description:
        'Assumed inputs, such as workDelayNs: each policy that has one is run again at each value, one at a time.',
    }),
    prices: z
      .array(z.string().min(1))
      .min(1)
      .optional()
      .meta({ description: 'Ids of price lists, or JSON files of them; default the first published one.' }),
    seeds: z
      .array(z.int().min(0))
      .min(1)
      .optional()
      .meta({ description: 'Of workloads; recorded captures have none.' }),
    objective: z.string().optional().meta({ description: 'What to minimise, e.g. zoneLockPages.' }),
    limits: z
      .array(z.string())
      .default([])
      .meta({ description: 'Hard limits, e.g. strandedPages<=16384 or interruptions[isolated]=0.' }),
  })
  .meta({ title: 'A sweep of kreplay', description: 'Which captures are replayed under which policies.' })
export type SweepScenario = z.infer<typeof sweepSchema>

/** For editors: `# yaml-language-server: $schema=FILE` at the head of a scenario. */
export const sweepJsonSchema = (): Record<string, unknown> =>
  z.toJSONSchema(sweepSchema, { io: 'input', target: 'draft-7' }) as Record<string, unknown>
