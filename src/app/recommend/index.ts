import { availableParallelism } from 'node:os'
import { TraceError, UsageError } from '#kernel/messages'
import { splitIds } from '#policies'
import type { Progress } from '../progress.ts'
import { PAGE, writePage } from '../report.ts'
import { capturesOf } from '../sweep/captures.ts'
import { localCapture, usualCache } from '../sweep/local-capture.ts'
import { usualObjective } from '../sweep/objective.ts'
import { partsOf, planWith } from '../sweep/plan.ts'
import { RunPool } from '../sweep/pool.ts'
import { questionOf } from '../sweep/question.ts'
import { type Ranked, type RankingQuestion, ranked } from '../sweep/ranking.ts'
import { csvOf, type SweepRun } from '../sweep/results.ts'
import { type SweepScenario, sweepSchema } from '../sweep/scenario-schema.ts'
import { Store } from '../sweep/store.ts'
import { checkOutput, writeWhole } from '../write-files.ts'
import { usualCandidates } from './candidates.ts'
import { Evaluator } from './evaluator.ts'
import { type Decision, decide, type Recommendation } from './recommendation.ts'
import { type SearchId, searched } from './search.ts'
import { type Assumed, assumedBy, mechanismOf, type TurningPoint, turningPoint, varied } from './turning-points.ts'

export interface RecommendRequest {
  readonly captures: readonly string[]
  readonly objective?: string | undefined
  readonly limits?: readonly string[]
  /** Each text may hold several ids, parted by commas. None: the usual candidates. */
  readonly policies?: readonly string[] | undefined
  readonly baseline?: string | undefined
  /** `PARAM=VALUES`: a value, a range or a list parted by commas, for every policy that has it. */
  readonly set?: readonly string[]
  readonly policyFiles?: readonly string[]
  readonly prices?: string | undefined
  readonly isolated?: readonly number[] | undefined
  readonly search?: SearchId
  readonly runs?: number | undefined
  readonly seed?: number
  readonly top?: number
  readonly jobs?: number | undefined
  readonly store?: string | undefined
  readonly csv?: string | undefined
  /** An HTML report. */
  readonly output?: string | undefined
  readonly progress?: Progress | undefined
}

/** Rows replayed, of all runs, below which threads do not pay. */
const WORTH_THREADS = 5e7

/**
 * The policy that is best by an objective within hard limits, if any is better than the baseline by more than the error.
 *
 * @throws TraceError for a capture that can’t be used, UsageError for an unknown policy, measure or parameter
 */
export async function recommend(request: RecommendRequest): Promise<Recommendation> {
  if (request.output !== undefined) checkOutput(request.output, PAGE)
  if (request.csv !== undefined) checkOutput(request.csv, ['.csv'])
  const { progress = () => {}, seed = 1, top = 10, search = 'grid' } = request
  const alone = RunPool.here({ lists: [], drains: [], kvfree: [], accept: [], slab: [] })
  const captures = []
  const asked = scenarioOf(request, ['pcp/none'])
  for (const ref of await capturesOf({ file: 'the command line', folder: process.cwd(), scenario: asked })) {
    progress(`reading ${ref.name}`, captures.length, request.captures.length)
    const capture = await localCapture(ref, usualCache())
    captures.push({ capture, prepared: await alone.prepare(capture.path, request.isolated) })
  }
  const contexts = captures.map(({ prepared }) => prepared.context)
  const scenario = scenarioOf(request, undefined, usualCandidates(contexts))
  const from = { file: 'the command line', folder: process.cwd(), scenario }
  const plan = planWith(
    from,
    await usage(partsOf(from)),
    captures.map(({ capture }) => capture),
  )
  if (plan.family.id !== 'pcp')
    throw new UsageError(`recommend weighs page policies; ${plan.choices[0]!.id} is none`, 'sweep them: docs/sweep.md')
  const rows = captures.reduce((sum, { prepared }) => sum + prepared.whatIf.demand.length, 0) * plan.choices.length
  const threads = rows < WORTH_THREADS ? 1 : (request.jobs ?? availableParallelism())
  const pool =
    threads === 1
      ? RunPool.here(plan.catalogue)
      : await RunPool.start(
          threads,
          plan.code.map(({ file }) => file),
        )
  try {
    const store = request.store === undefined ? undefined : await Store.open(request.store)
    const evaluator = new Evaluator(captures, plan, {
      pool,
      store,
      onRuns: (runs) => progress('replaying', runs, Math.max(runs, plan.choices.length * captures.length)),
    })
    const settings = { search, draws: request.runs, seed }
    const found = await recommended(evaluator, plan, settings, top)
    if (request.csv !== undefined) await writeWhole(request.csv, csvOf({ runs: found.runs }))
    const recommendation: Recommendation = {
      schema: 'kreplay.recommendation/1',
      ...found.decision,
      captures: evaluator.contexts,
      baseline: plan.baseline,
      objective: scenario.objective ?? usualObjective.pcp,
      limits: scenario.limits,
      search: { kind: search, choices: plan.choices.length, runs: evaluator.runs, seed },
      turningPoints: found.turningPoints,
      version: plan.version,
    }
    if (request.output !== undefined)
      await writePage(request.output, async () =>
        (await import('./page.ts')).recommendationPage(recommendation, found.rows, found.runs),
      )
    return recommendation
  } finally {
    await pool.close()
  }
}

type PlanOf = ReturnType<typeof planWith>

interface Found {
  readonly decision: Decision
  readonly turningPoints: readonly TurningPoint[]
  /** With those of other assumed inputs. */
  readonly runs: readonly SweepRun[]
  /** All choices that the search reached, best first. */
  readonly rows: readonly Ranked[]
}

async function recommended(
  evaluator: Evaluator,
  plan: PlanOf,
  settings: Parameters<typeof searched>[3],
  top: number,
): Promise<Found> {
  const { objective = usualObjective.pcp, limits } = plan.from.scenario
  const { baseline } = plan
  const first = await evaluator.run([{ id: baseline }])
  const question = questionOf({ runs: first, objective, limits, baseline })
  const runs = await searched(evaluator, plan.choices, question, settings)
  const evidence = { contexts: evaluator.contexts, objective: question.objective, seed: settings.seed }
  const early = decide(runs, question, { ...evidence, runs }, top)
  const assumed = (id: string): Assumed[] => assumptionsOf(id, evaluator, plan)
  const close = [...new Set([baseline, ...early.ties, ...early.candidates.map(({ policy }) => policy)])].slice(
    0,
    3 * top,
  )
  const ends = close.flatMap((id) =>
    assumed(id).flatMap(({ param, low, high }) => [varied(id, param, low), varied(id, param, high)]),
  )
  const all = [...runs, ...(await evaluator.run(ends))]
  const decision = decide(runs, question, { ...evidence, runs: all }, top)
  const winner = decision.recommended ?? decision.best
  return {
    decision,
    runs: all,
    rows: ranked(runs, question),
    turningPoints: winner === undefined ? [] : await turningPoints(winner, runs, evaluator, plan, question, assumed),
  }
}

/** What a choice assumes on any of the captures: nothing matters where nobody asks for a drain. */
function assumptionsOf(id: string, { captures }: Evaluator, { catalogue }: PlanOf): Assumed[] {
  const all = new Map<string, Assumed>()
  for (const { prepared } of captures) {
    const { context, release } = prepared
    if (context.drains)
      for (const one of assumedBy(id, catalogue, context.gracePeriods, release)) all.set(one.param, one)
  }
  return [...all.values()]
}

/** For the best of each other mechanism, and each input that it or the winner assumes. */
async function turningPoints(
  winner: string,
  runs: readonly SweepRun[],
  evaluator: Evaluator,
  { catalogue }: PlanOf,
  question: RankingQuestion,
  assumed: (id: string) => Assumed[],
): Promise<TurningPoint[]> {
  const release = evaluator.captures[0]!.prepared.release
  const mechanism = (id: string): string => mechanismOf(id, catalogue, release)
  const rivals = new Map<string, string>()
  for (const { policy } of ranked(runs, question))
    if (mechanism(policy) !== mechanism(winner) && !rivals.has(mechanism(policy))) rivals.set(mechanism(policy), policy)
  const points: TurningPoint[] = []
  for (const rival of rivals.values()) {
    const inputs = new Map([...assumed(winner), ...assumed(rival)].map((one) => [one.param, one]))
    for (const input of inputs.values()) {
      const has = (id: string): boolean => assumed(id).some(({ param }) => param === input.param)
      points.push(await turningPoint(evaluator, { winner, rival, has }, input, question))
    }
  }
  return points
}

/** `"high=0..64 step 8"` → { high: "0..64 step 8" }; `"batch=15,31"` → { batch: [15, 31] } */
function settings(pairs: readonly string[]): SweepScenario['set'] {
  return Object.fromEntries(
    pairs.map((pair) => {
      const [, name, text] = /^([A-Za-z]\w*)=(.+)$/.exec(pair) ?? []
      if (name === undefined || text === undefined)
        throw new UsageError(`--set ${pair} is no parameter`, 'examples: --set high=500, --set "high=0..1000 step 100"')
      return [name, text.split(',').map((one) => literal(one.trim()))]
    }),
  )
}

const literal = (text: string): number | string | boolean =>
  text === 'true' || text === 'false'
    ? text === 'true'
    : text !== '' && Number.isFinite(Number(text))
      ? Number(text)
      : text

function scenarioOf(
  {
    captures,
    policies,
    set = [],
    baseline,
    policyFiles = [],
    objective,
    limits = [],
    prices,
    isolated,
  }: RecommendRequest,
  instead: readonly string[] | undefined,
  usual: SweepScenario['policies'] = [],
): SweepScenario {
  const named = instead ?? policies?.flatMap(splitIds)
  const listed = named ?? usual
  const result = sweepSchema.safeParse({
    captures: captures.map((path) => (isolated === undefined ? path : { path, isolated })),
    policies:
      baseline === undefined || listed.includes(baseline) || instead !== undefined ? listed : [baseline, ...listed],
    ...(instead === undefined ? { set: settings(set), policyFiles } : {}),
    ...(baseline === undefined || instead !== undefined ? {} : { baseline }),
    ...(objective === undefined ? {} : { objective }),
    ...(prices === undefined || instead !== undefined ? {} : { prices: [prices] }),
    limits,
  })
  if (result.success) return result.data
  throw new UsageError(result.error.issues[0]!.message)
}

/** What is wrong with a command line is no bad input. */
async function usage<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (!(error instanceof TraceError) || error.complaint.place?.file !== 'the command line') throw error
    throw new UsageError(error.complaint.what, error.complaint.hint)
  }
}

export type { Recommendation } from './recommendation.ts'
export { searches } from './search.ts'
