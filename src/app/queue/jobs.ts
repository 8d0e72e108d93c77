import { z } from 'zod'
import { pricesSchema } from '#metrics/prices'
import { textDigest } from '../sweep/capture-digest.ts'
import { chunksOf, type Plan, type PlannedRun } from '../sweep/plan.ts'
import type { PolicyCode } from '../sweep/policy-code.ts'

/** One chunk of runs on one capture, as it stands in the queue: what to do, never data. */
export const jobSchema = z.object({
  chunk: z.string(),
  version: z.string(),
  family: z.enum(['pcp', 'kvfree', 'accept', 'slab']),
  capture: z.object({
    at: z.string(),
    name: z.string(),
    sha256: z.string(),
    bytes: z.number().meta({ help: 'As the planner saw it; 0: it did not.' }),
    isolated: z.array(z.number()).optional(),
  }),
  prices: z.array(pricesSchema),
  /** Digests of the policy files that the runs need; a worker runs none that it was not started with. */
  code: z.array(z.string()),
  runs: z.array(z.object({ digest: z.string(), policy: z.string(), prices: z.int(), seed: z.number().optional() })),
})
export type Job = z.infer<typeof jobSchema>

/** The same runs are the same job, whoever plans them. */
export const chunkId = (runs: readonly { readonly digest: string }[]): string =>
  textDigest(runs.map(({ digest }) => digest).join('\n'))

/** The first half of a digest, as pg-boss names jobs. */
export const uuidOf = (digest: string): string =>
  digest.slice(0, 32).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')

/**
 * Runs of one job, where nobody says. Whoever takes it may have to read the capture first, which costs as much as two dozen runs: a job of
 * fewer would mostly read.
 */
const RUNS_OF_JOB = 64

/** The runs of one capture as jobs. */
export const jobsOf = ({ chunk }: Pick<Plan, 'chunk'>, runs: readonly PlannedRun[]): PlannedRun[][] =>
  chunksOf(runs, chunk ?? RUNS_OF_JOB)

export function jobOf(
  { version, family, code }: { version: string; family: Job['family']; code: readonly PolicyCode[] },
  runs: readonly PlannedRun[],
): Job {
  const [{ capture }] = runs as readonly [PlannedRun]
  const prices = [...new Set(runs.map((run) => run.prices))]
  return {
    chunk: chunkId(runs),
    version,
    family,
    capture: {
      at: capture.at,
      name: capture.name,
      sha256: capture.sha256,
      bytes: capture.bytes,
      ...(capture.isolated === undefined ? {} : { isolated: [...capture.isolated] }),
    },
    prices,
    code: code.map(({ sha256 }) => sha256),
    runs: runs.map(({ digest, policy, prices: of, seed }) => ({
      digest,
      policy,
      prices: prices.indexOf(of),
      ...(seed === undefined ? {} : { seed }),
    })),
  }
}

/** Workers of one version of kreplay share a queue: no other ever gets their runs. */
export const queueName = (version: string): string => `runs-${version.replaceAll(/[^\w.-]/g, '_')}`
