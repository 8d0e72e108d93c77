import type { z } from 'zod'
import { demandOf, infer } from '#estimate'
import type { Recording } from '#events'
import { isBeforeKnown, KNOWN_VERSIONS, parseRelease, type Release, type Zone } from '#kernel'
import { UsageError } from '#kernel/messages'
import { randomOf } from '#kernel/numbers'
import { versionOf } from '#kernel/releases'
import { type Likeness, likenessTo } from '#metrics'
import { checkParams, type ParamValue } from '#policies'
import { scriptOf } from '#record'
import { record } from '#replay'
import { type AnyWorkload, like, likeParams } from '#synth'
import { chooseWorkload, isModelled } from './workloads.ts'

const BOUNDS = '`kreplay synth --list` shows the bounds'

export interface SynthesisOptions {
  readonly seed?: number
  /** The kernel that records; default 6.1. */
  readonly release?: string
  readonly set?: Readonly<Record<string, ParamValue>>
  /** Its parameters are as this capture shows them, where `set` does not say otherwise; release too. */
  readonly fit?: Recording
}

/**
 * The trace of a workload as a kernel of that release would have recorded it. A pure function of its arguments.
 *
 * @throws UsageError for an unknown workload, release or parameter, or one out of bounds
 */
export function synthesise(id: string, { seed = 1, release, set = {}, fit }: SynthesisOptions = {}): Recording {
  const workload = chooseWorkload(id)
  if (isModelled(workload)) throw new UsageError(`${id} runs on a model of a machine and has no events`)
  const fitted = fit === undefined ? {} : fittedTo(fit, workload)
  const params = checkParams(id, workload.params, { ...fitted, ...set }, BOUNDS)
  const version = release ?? fit?.machine.release?.text ?? versionOf(undefined)
  const made = workload.create(params, { seed, release: releaseOf(version) })
  const { events, machine } = made.demand === undefined ? made : record(made.demand, made.machine)
  return { name: workload.id, format: 'synthetic', clock: 'mono', resolutionNs: 1, events, machine, tally: [] }
}

/** @throws UsageError where a capture does not show what the workload is made of, or is no longer than a moment */
function fittedTo(capture: Recording, { id, fromCapture }: AnyWorkload): Record<string, number> {
  if (typeof fromCapture === 'string') throw new UsageError(`${id} cannot be fitted from a capture`, fromCapture)
  const { demand } = demandIn(capture)
  if (demand.time[demand.start] === demand.time[demand.length - 1])
    throw new UsageError(`${capture.name} is too short to fit ${id} to`, '--like needs a capture of some length')
  return fromCapture(demand, capture.machine)
}

/** @throws UsageError where the capture has no page events */
function demandIn(capture: Recording) {
  if (capture.events.tables.mm_page_alloc.length === 0)
    throw new UsageError(`${capture.name} has no mm_page_alloc`, '--like needs a capture of page events')
  const { script, inferred } = infer(scriptOf(capture))
  return { script, demand: demandOf(capture, script, inferred) }
}

/** A trace like a capture, and how like it is. */
export interface LikeTrace {
  readonly recording: Recording
  readonly likeness: Likeness
  /** What was outside the bound in each draw; the trace is of the first draw with nothing outside, else of one with least. */
  readonly draws: readonly (readonly string[])[]
}

/**
 * A trace like a capture, recorded by its kernel on its machine. See `like` for what is kept and what is not. Lists of some kernels give
 * back thousands of pages at once, so that one burst more or less is a tenth of all: it is drawn again, up to `draws` times, until every
 * checked measure is within the bound.
 *
 * @throws UsageError where the capture has no page events
 */
export function synthesiseLike(
  capture: Recording,
  { seed = 1, set = {} }: Pick<SynthesisOptions, 'seed' | 'set'> = {},
): LikeTrace {
  const params = checkParams('like', likeParams, set, BOUNDS) as z.infer<typeof likeParams>
  const { script, demand } = demandIn(capture)
  const { release } = capture.machine
  const asked = {
    ...capture.machine,
    ...(release === undefined ? {} : { release: { ...release, synthetic: true as const } }),
    zones: script.zones.map(withoutCounts),
  }
  const likeness = likenessTo(capture)
  const draw = (number: number) => {
    const { events, machine } = record(like(demand, params, randomOf(seed, `like ${number}`)), asked)
    const { clock = 'mono' } = capture
    const name = `like ${capture.name}`
    const recording = { name, format: 'synthetic', clock, resolutionNs: 1, events, machine, tally: [] } as const
    return { recording, likeness: likeness(recording) }
  }
  let best = draw(1)
  const draws = [best.likeness.outside]
  while (best.likeness.outside.length > 0 && draws.length < params.draws) {
    const next = draw(draws.length + 1)
    draws.push(next.likeness.outside)
    if (next.likeness.outside.length < best.likeness.outside.length) best = next
  }
  return { ...best, draws }
}

/** The demand itself says what lies on the lists at the start. */
const withoutCounts = (zone: Zone): Zone => ({
  ...zone,
  pagesets: zone.pagesets.map((pageset) => ({ ...pageset, count: 0 })),
})

function releaseOf(text: string): Release {
  const release = /^\d+\.\d+(\.\d+)?(-\S+)?$/.test(text) ? parseRelease(text) : undefined
  if (release === undefined) throw new UsageError(`--release ${text} is no release`, 'an example: --release 6.12')
  if (isBeforeKnown(release))
    throw new UsageError(
      `--release ${text}: kreplay does not know the rules of so old a kernel`,
      `it knows those of ${KNOWN_VERSIONS.join(', ')}; a release in between has those of the older neighbour`,
    )
  return { ...release, synthetic: true }
}
