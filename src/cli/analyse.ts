import { createRequire } from 'node:module'
import { resolve } from 'node:path'
import type { Recording } from '#events'
import { TraceError, UsageError } from '#kernel'
import {
  type ComparedCapture,
  type Comparison,
  composeComparison,
  type Fidelity,
  fidelityOf,
  type Prices,
  publishedPrices,
} from '#metrics'
import { choosePcp, didYouMean, drainPolicies, listPolicies, type ParamValue } from '#policies'
import { readCapture } from '#readers'
import { type Inferred, infer, runPolicy, type Script, scriptOf } from '#replay'

export const { version } = createRequire(import.meta.url)('../../package.json') as { version: string }

/** A capture read, its script made, and the recording kernel's own policy replayed against the record. */
export interface Analysis {
  readonly recording: Recording
  readonly script: Script
  readonly inferred: Inferred
  readonly fidelity: Fidelity
}

export function analyse(recording: Recording): Analysis {
  const script = scriptOf(recording)
  const { run, inferred } = infer(script)
  return { recording, script, inferred, fidelity: fidelityOf(recording, script, run) }
}

export interface CompareRequest {
  readonly captures: readonly string[]
  readonly policies: readonly string[]
  /** Default: the first policy. */
  readonly baseline?: string | undefined
  /** Default: what each capture's command line says. */
  readonly isolated?: readonly number[] | undefined
  readonly set?: Readonly<Record<string, ParamValue>> | undefined
  readonly prices?: readonly Prices[] | undefined
  readonly onProgress?: (what: string, done: number, total: number) => void
}

/** Every `--set` name must mean something to some policy. */
function checkSet(set: Readonly<Record<string, ParamValue>>): void {
  const known = [...new Set([...listPolicies, ...drainPolicies].flatMap(({ params }) => Object.keys(params.shape)))]
  for (const name of Object.keys(set)) {
    if (known.includes(name)) continue
    const near = didYouMean(name, known)
    throw new UsageError(
      `no policy has a parameter "${name}"`,
      near.length > 0 ? `did you mean ${near.join(' or ')}?` : `known: ${known.join(', ')}`,
    )
  }
}

/** The ids as runs will have them, checked before anything is read. */
export function policyIds(policies: readonly string[], set: Readonly<Record<string, ParamValue>>): string[] {
  checkSet(set)
  // The recording kernel's lists are not known yet, any stand for them.
  const ids = policies.map((id) => choosePcp(id, '6.1', set).id)
  const twice = ids.find((id, at) => ids.indexOf(id) !== at)
  if (twice !== undefined)
    throw new UsageError(`${twice} is named twice`, 'give one of them other parameters: pcp/fixed{high=100}')
  return ids
}

/** The main job: read, replay the recording kernel's own policy, replay each policy, compose. */
export async function compareCaptures(request: CompareRequest): Promise<Comparison> {
  const { set = {}, prices = publishedPrices, onProgress = () => {} } = request
  const ids = policyIds(request.policies, set)
  const baseline = request.baseline === undefined ? ids[0]! : choosePcp(request.baseline, '6.1', set).id
  if (!ids.includes(baseline))
    throw new UsageError(`the baseline ${baseline} is not among the policies`, 'add it to --policies')
  const again = request.captures.find(
    (path, at) => request.captures.findIndex((p) => resolve(p) === resolve(path)) !== at,
  )
  if (again !== undefined) throw new UsageError(`${again} is given twice`)
  const steps = request.captures.length * (ids.length + 2)
  let done = 0
  const compared: ComparedCapture[] = []
  for (const path of request.captures) {
    const read = await readCapture(path, {
      onProgress: (bytes, total) => onProgress(`reading ${path}`, done + bytes / total, steps),
    })
    // Runs are told apart by their capture's name: of two folders of one name, the later goes by its path.
    const taken = compared.some(({ recording }) => recording.name === read.name)
    const recording = taken ? { ...read, name: path } : read
    const { tables } = recording.events
    if (tables.mm_page_alloc.length + tables.mm_page_free.length === 0) {
      throw new TraceError({
        place: { file: path },
        what: 'the trace holds no mm_page_alloc and no mm_page_free: there is nothing to replay on page lists',
        hint: 'Record the kmem events that README names under "Record your own machine".',
      })
    }
    const { script, inferred, fidelity } = analyse(recording)
    done += 2
    const isolated = request.isolated ?? recording.machine.isolated
    const outside = isolated.find((cpu) => cpu >= script.cpus)
    if (outside !== undefined)
      throw new UsageError(`--isolated ${outside}: ${recording.name} has CPUs 0 to ${script.cpus - 1}`)
    const rules = recording.machine.release?.rules ?? '6.1'
    const runs = ids.map((id) => {
      onProgress(`replaying ${id}`, done++, steps)
      return runPolicy(script, choosePcp(id, rules, set), inferred, { isolated })
    })
    compared.push({ recording, script, fidelity, isolated, runs })
  }
  return composeComparison(compared, baseline, prices, version)
}
