import type { WhatIf } from '#events/demand'
import type { Release } from '#kernel'
import { TraceError } from '#kernel/messages'
import { captureFactsOf, pcpMeasures, recordedRow } from '#metrics'
import { lockPricesOf, type Prices, publishedPrices } from '#metrics/prices'
import { type Catalogue, choosePcp } from '#policies'
import { ownPcpId } from '#policies/pcp'
import { readCapture } from '#readers'
import { Op } from '#record'
import { runPolicy } from '#replay'
import { type Analysis, analyse } from '../analyse.ts'
import { type Family, familyOfAll } from '../families/index.ts'
import { onSharedMemory } from '../jobs/shared.ts'

/** What is known of a capture besides its demand: what findings about it are judged by. */
export interface CaptureContext {
  readonly name: string
  readonly kernel: string
  readonly isolated: readonly number[]
  readonly events: number
  /** Id of the recording kernel’s own policy. */
  readonly ownPolicy: string
  /** By measure: what the trace records. */
  readonly recorded: Readonly<Record<string, number>>
  readonly modelError: Readonly<Record<string, number>>
  readonly lossShare: number
  /** What the rules leave out of how the kernel was built: then nothing is settled. */
  readonly unmodelled?: string | undefined
  /** Whether somebody asks for a drain: without, no mechanism differs and no assumption matters. */
  readonly drains: boolean
  /** Whether grace periods were recorded. */
  readonly gracePeriods: boolean
}

/** A capture that page policies can be run on, on memory that threads share. */
export interface Prepared {
  readonly whatIf: WhatIf
  readonly release: Release | undefined
  readonly context: CaptureContext
}

/** A run as it is asked for. */
export interface RunRequest {
  readonly digest: string
  readonly policy: string
  readonly prices: Prices
  readonly seed?: number
  /** Only so large a part of the demand, from its start: for a search that looks at parts first. */
  readonly share?: number
}

/** What a run came to, or why it could not be done. */
export interface RunOutcome {
  readonly digest: string
  readonly measures?: Readonly<Record<string, number>>
  readonly params?: Readonly<Record<string, number | string | boolean>>
  readonly error?: string
}

const ASKS: ReadonlySet<number> = new Set([Op.drainRequest, Op.requestSkipped, Op.requestWaited])

/** Reads and estimates a capture once, for any number of runs of page policies. @throws TraceError */
export async function preparePcp(path: string, isolatedGiven?: readonly number[]): Promise<Prepared> {
  const recording = await readCapture(path)
  const lacks = familyOfAll(['pcp/none']).lacks(recording)
  if (lacks !== undefined) throw new TraceError({ place: { file: path }, ...lacks })
  const { script, whatIf, fidelity } = analyse(recording)
  const isolated = isolatedGiven ?? recording.machine.isolated
  const outside = isolated.find((cpu) => cpu >= script.cpus)
  if (outside !== undefined)
    throw new TraceError({
      place: { file: path },
      what: `isolated CPU ${outside}: it has CPUs 0 to ${script.cpus - 1}`,
    })
  const { release } = recording.machine
  return onSharedMemory({ whatIf, release, context: contextOf({ recording, script, whatIf, fidelity }, isolated) })
}

function contextOf(
  { recording, script, whatIf, fidelity }: Omit<Analysis, 'inference' | 'part'>,
  isolated: readonly number[],
): CaptureContext {
  const { release } = recording.machine
  const choice = choosePcp(ownPcpId(release), release)
  const own = runPolicy(whatIf, choice, { isolated, prices: publishedPrices.slice(0, 1).map(lockPricesOf) })
  const { stepEnds } = own.result
  const facts = captureFactsOf({ recording, script, fidelity, isolated, stepEnds, ownDrain: own.drain })
  const row = recordedRow({ facts, own })
  return {
    name: recording.name,
    kernel: release?.text ?? 'unknown',
    isolated,
    events: recording.events.length,
    ownPolicy: own.policy,
    recorded: row.totals as Record<string, number>,
    modelError: row.modelError,
    lossShare: row.lossShare,
    ...(facts.unmodelled === undefined ? {} : { unmodelled: facts.unmodelled }),
    drains: script.op.some((op) => ASKS.has(op)),
    gracePeriods: script.gracePeriods.start.length > 0,
  }
}

/** The first part of a demand, with the time that it spans. */
function partOf(whatIf: WhatIf, share: number): WhatIf {
  const { demand, to } = whatIf
  if (share >= 1) return whatIf
  const length = Math.min(demand.length, demand.start + Math.ceil((demand.length - demand.start) * share))
  return { ...whatIf, demand: { ...demand, length }, to: length < demand.length ? demand.time[length]! : to }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** Page policies over one capture. A run that fails says why; the others are done. */
export const runPcp = (
  { whatIf, release, context }: Prepared,
  runs: readonly RunRequest[],
  catalogue: Catalogue,
): RunOutcome[] =>
  runs.map(({ digest, policy, prices, share = 1 }) => {
    try {
      const choice = choosePcp(policy, release, {}, catalogue)
      const run = runPolicy(partOf(whatIf, share), choice, {
        isolated: context.isolated,
        prices: [lockPricesOf(prices)],
      })
      return { digest, measures: pcpMeasures(run, context.isolated, prices), params: run.params }
    } catch (error) {
      return { digest, error: messageOf(error) }
    }
  })

const GROUPS = ['work', 'footprint', 'meanWaitNs', 'quantiles', 'costs', 'held']

/** Numbers of a run, by name; those within a group by `group.name`. Series and lists are none. */
function numbersOf(run: object): Record<string, number> {
  const found: Record<string, number> = {}
  const take = (prefix: string, value: unknown, depth: number): void => {
    if (typeof value === 'number' && Number.isFinite(value)) found[prefix] = value
    else if (typeof value === 'object' && value !== null && !Array.isArray(value) && depth < 3)
      for (const [name, one] of Object.entries(value)) take(prefix === '' ? name : `${prefix}.${name}`, one, depth + 1)
  }
  for (const group of GROUPS) take(group === 'work' ? '' : group, (run as Readonly<Record<string, unknown>>)[group], 0)
  return found
}

/** Families whose policies run over a whole capture at once. */
export type WholeFamily = Exclude<Family['id'], 'pcp'>

/** Policies of the other families, as `compare` runs them. A policy that fails says why; the others are done. */
export async function runWhole(
  path: string,
  family: WholeFamily,
  runs: readonly RunRequest[],
  catalogue: Catalogue,
): Promise<{ readonly outcomes: RunOutcome[]; readonly context: CaptureContext }> {
  const recording = await readCapture(path)
  const of = familyOfAll([`${family}/`])
  const lacks = of.lacks(recording)
  if (lacks !== undefined) throw new TraceError({ place: { file: path }, ...lacks })
  const together = async (some: readonly RunRequest[]): Promise<RunOutcome[]> => {
    const { scenario } = recording
    const [{ prices, seed }] = some as [RunRequest]
    const policies = some.map(({ policy }) => policy)
    const comparing = of.start({
      policies,
      baseline: policies[0]!,
      set: {},
      catalogue,
      prices: [prices],
      jobs: 1,
      version: '',
      onRun: () => {},
    })
    const seeded =
      scenario === undefined || seed === undefined ? recording : { ...recording, scenario: { ...scenario, seed } }
    await comparing.add(seeded, recording.machine.isolated)
    return comparing
      .compose()
      .runs.map((run, at) => ({ digest: some[at]!.digest, measures: numbersOf(run), params: run.params }))
  }
  const groups = Map.groupBy(runs, ({ seed, prices }) => `${seed} ${prices.id}`)
  const outcomes: RunOutcome[] = []
  for (const some of groups.values())
    try {
      outcomes.push(...(await together(some)))
    } catch {
      for (const one of some)
        outcomes.push(
          ...(await together([one]).catch((error): RunOutcome[] => [{ digest: one.digest, error: messageOf(error) }])),
        )
    }
  const { name, machine, events } = recording
  return {
    outcomes,
    context: {
      name,
      kernel: machine.release?.text ?? 'unknown',
      isolated: machine.isolated,
      events: events.length,
      ownPolicy: '',
      recorded: {},
      modelError: {},
      lossShare: 0,
      drains: false,
      gracePeriods: false,
    },
  }
}
