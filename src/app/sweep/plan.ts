import { z } from 'zod'
import { didYouMean, TraceError, UsageError } from '#kernel/messages'
import { pcpMeasureNames } from '#metrics'
import { type Prices, pricesSchema, publishedPrices } from '#metrics/prices'
import type { Catalogue } from '#policies'
import { readJson } from '#readers'
import { beside } from './beside.ts'
import { textDigest } from './capture-digest.ts'
import { capturesOf } from './captures.ts'
import { engineVersion } from './engine-version.ts'
import { type LocalCapture, localCapture } from './local-capture.ts'
import type { RunRequest } from './measure.ts'
import { parseLimit, parseObjective, usualObjective } from './objective.ts'
import { codeOf, type PolicyCode, policyCode } from './policy-code.ts'
import { placeOfWord, type ScenarioFile } from './scenario-file.ts'
import type { SweepScenario } from './scenario-schema.ts'
import { type Choice, type Space, spaceOf } from './space.ts'
import type { Row } from './store.ts'

/** A run with all that its row says of it but the result. */
export interface PlannedRun extends RunRequest {
  readonly choice: Choice
  readonly capture: LocalCapture
}

/** What a scenario comes to: every capture on this machine, every choice, and with them every run. */
export interface Plan extends Space {
  readonly from: ScenarioFile
  readonly captures: readonly LocalCapture[]
  readonly prices: readonly Prices[]
  readonly catalogue: Catalogue
  readonly code: readonly PolicyCode[]
  /** Of kreplay and its code. */
  readonly version: string
  /** Runs of a chunk, where it was asked for. */
  readonly chunk?: number | undefined
  /** Runs on one capture, choice by choice. */
  readonly runsOf: (capture: LocalCapture) => readonly PlannedRun[]
}

export interface PlanOptions {
  /** Folder for captures that come from elsewhere. */
  readonly cache: string
  readonly onProgress?: ((phase: string, done: number, total: number) => void) | undefined
  /** Runs of a chunk; default by the size of the capture. */
  readonly chunk?: number | undefined
  /** Whether captures from elsewhere that the scenario names by digest are wanted here too. Default true. */
  readonly fetch?: boolean | undefined
  /** Only one part of the runs; captures that have none of them are not looked at. */
  readonly shard?: Shard | undefined
}

/** One of so many parts: all runs stand in the order of captures, and each part has as many neighbours. */
export interface Shard {
  /** From 1 on. */
  readonly index: number
  readonly count: number
}

/** What of a scenario does not depend on where its captures are. */
export async function partsOf(from: ScenarioFile) {
  const { folder, scenario } = from
  const files = scenario.policyFiles.map((name) => beside(name, folder))
  const { catalogue, code } = await policyCode(files)
  try {
    const space = spaceOf(scenario, catalogue)
    if (space.family.id === 'pcp') checkQuestion(scenario)
    return { ...space, catalogue, code, prices: await pricesOf(scenario.prices, folder) }
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    const [what = '', hint] = error.message.split('\n  ')
    const [, word] = /"([^"]+)"/.exec(what) ?? []
    const place = placeOfWord(from, word?.split('/').at(-1))
    throw new TraceError({ place, what, ...(hint === undefined ? {} : { hint }) })
  }
}

/** Names of measures are checked before thousands of runs are done. */
function checkQuestion({ objective = usualObjective.pcp, limits }: SweepScenario): void {
  parseObjective(objective, pcpMeasureNames)
  for (const limit of limits) parseLimit(limit, pcpMeasureNames)
}

/** @throws TraceError for captures that are not there, or a scenario that names what there is not */
export async function planOf(from: ScenarioFile, options: PlanOptions): Promise<Plan> {
  const parts = await partsOf(from)
  const refs = await capturesOf(from)
  const each = parts.choices.length * parts.prices.length * seedsOf(from, parts).length
  const share = shareOf(refs.length * each, options.shard)
  const captures: LocalCapture[] = []
  const parted = new Map<string, readonly [from: number, to: number]>()
  for (const [at, ref] of refs.entries()) {
    const [first, end] = share.map((run) => Math.min(each, Math.max(0, run - at * each))) as [number, number]
    if (first === end) continue
    options.onProgress?.('looking at captures', at, refs.length)
    const capture = await localCapture(ref, options.cache, options.fetch)
    captures.push(capture)
    parted.set(capture.at, [first, end])
  }
  const plan = planWith(from, parts, captures)
  const runsOf: Plan['runsOf'] = (capture) => plan.runsOf(capture).slice(...(parted.get(capture.at) ?? []))
  return { ...plan, runsOf, chunk: options.chunk }
}

/** The first of a part's runs, and the first of the next part's. */
const shareOf = (runs: number, shard: Shard = { index: 1, count: 1 }): [number, number] => [
  Math.floor(((shard.index - 1) * runs) / shard.count),
  Math.floor((shard.index * runs) / shard.count),
]

/** Seeds are of workloads; a recorded capture has none. */
const seedsOf = ({ scenario }: ScenarioFile, { family }: Pick<Space, 'family'>): readonly (number | undefined)[] =>
  family.id === 'kvfree' ? (scenario.seeds ?? [undefined]) : [undefined]

/** The same with captures that are known already. */
export function planWith(
  from: ScenarioFile,
  parts: Awaited<ReturnType<typeof partsOf>>,
  captures: readonly LocalCapture[],
): Plan {
  const plan = { from, ...parts, captures, version: engineVersion() }
  return { ...plan, runsOf: (capture) => runsOf(plan, capture) }
}

function runsOf(plan: Omit<Plan, 'runsOf'>, capture: LocalCapture): PlannedRun[] {
  const seeds = seedsOf(plan.from, plan)
  return plan.choices.flatMap((choice) =>
    plan.prices.flatMap((prices) =>
      seeds.map((seed): PlannedRun => {
        const about = { policy: choice.id, prices, ...(seed === undefined ? {} : { seed }) }
        return { ...about, choice, capture, digest: runDigest(plan, capture, about) }
      }),
    ),
  )
}

/** Of all that a run's result depends on: the capture's bytes, the user's policy code, parameters, prices, seed, and kreplay's own code. */
export const runDigest = (
  { version, code }: Pick<Plan, 'version' | 'code'>,
  { sha256, isolated }: Pick<LocalCapture, 'sha256' | 'isolated'>,
  { policy, prices, seed, share }: Pick<RunRequest, 'policy' | 'prices' | 'seed' | 'share'>,
): string =>
  textDigest(
    JSON.stringify([
      version,
      sha256,
      isolated ?? null,
      policy,
      codeOf(policy, code),
      prices,
      seed ?? null,
      ...(share === undefined ? [] : [share]),
    ]),
  )

/** What the store keeps of a run that is done. */
export const rowOf = (
  { digest, capture, choice, prices, seed }: PlannedRun,
  { measures, params }: { measures: Row['measures']; params: Readonly<Record<string, unknown>> },
): Row => ({
  digest,
  capture: capture.name,
  captureSha256: capture.sha256,
  policy: choice.id,
  params: JSON.stringify(params),
  prices: prices.id,
  version: engineVersion(),
  ...(seed === undefined ? {} : { seed }),
  ...(choice.assumed === undefined ? {} : { assumed: JSON.stringify({ of: choice.of, ...choice.assumed }) }),
  measures,
})

/** Runs of one capture that are handed to a thread at a time: less than a second of work, so that no thread waits long for the last. */
const CHUNK_BYTES = 64 << 20
const MOST_RUNS = 16

/** Runs in the pieces in which they are done, stored and resumed: so many each, or as many as take less than a second. */
export function chunksOf(runs: readonly PlannedRun[], asked?: number): PlannedRun[][] {
  const [first] = runs
  if (first === undefined) return []
  const size = asked ?? Math.min(MOST_RUNS, Math.max(1, Math.round(CHUNK_BYTES / Math.max(1, first.capture.bytes))))
  return Array.from({ length: Math.ceil(runs.length / size) }, (_, at) => runs.slice(at * size, (at + 1) * size))
}

async function pricesOf(names: readonly string[] | undefined, folder: string): Promise<Prices[]> {
  if (names === undefined) return publishedPrices.slice(0, 1)
  const lists = await Promise.all(names.map((name) => pricesNamed(name, folder)))
  return lists.flat()
}

async function pricesNamed(name: string, folder: string): Promise<readonly Prices[]> {
  const published = publishedPrices.find(({ id }) => id === name)
  if (published !== undefined) return [published]
  if (name.endsWith('.json'))
    return readJson(
      beside(name, folder),
      z.array(pricesSchema),
      'A prices file is a list of price lists: see docs/prices.md.',
    )
  const known = publishedPrices.map(({ id }) => id)
  const near = didYouMean(name, known)
  throw new UsageError(
    `there is no price list "${name}"`,
    near.length > 0 ? `did you mean ${near.join(' or ')}?` : `there are ${known.join(', ')}, and .json files`,
  )
}
