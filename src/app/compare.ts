import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import type { Recording } from '#events'
import { TraceError, UsageError } from '#kernel/messages'
import type { Comparison } from '#metrics'
import { publishedPrices } from '#metrics/prices'
import { shipped } from '#policies'
import { readCapture } from '#readers'
import { type CompareRequest, commandLineOf } from './command-line.ts'
import { type ComparisonSettings, familyOfAll, policyIds } from './families/index.ts'
import { version } from './version.ts'
import { checkSpan, isWhole, windowOf } from './window.ts'

export type { CompareRequest } from './command-line.ts'

type FamilyId = Comparison['family']
type RequestOf<F extends FamilyId> = CompareRequest & { readonly policies: readonly `${F}/${string}`[] }

/**
 * The main job: read, replay the recording kernel’s own policy, replay each policy, compose. Ids that name their family
 * (`pcp/trylock`) give the type of that family's comparison.
 */
export function compareCaptures<F extends FamilyId>(request: RequestOf<F>): Promise<Extract<Comparison, { family: F }>>
export function compareCaptures(request: CompareRequest): Promise<Comparison>
export function compareCaptures(request: CompareRequest): Promise<Comparison> {
  const { probes = [], onProgress = () => {} } = request
  return compareRecordings(
    request,
    (path) => readCapture(path, { probes, onProgress: (done, total) => onProgress(`reading ${path}`, done, total) }),
    { ownsEvents: true },
  )
}

/**
 * The same, where something else reads the captures. `listener`: gets what replays each of them elsewhere, where that can be had.
 * `ownsEvents`: as `ComparisonSettings` has it.
 */
export async function compareRecordings(
  request: CompareRequest,
  readOne: (path: string) => Promise<Recording>,
  { listener, ownsEvents }: Partial<Pick<ComparisonSettings, 'listener' | 'ownsEvents'>> = {},
): Promise<Comparison> {
  checkSpan(request)
  const { set = {}, catalogue = shipped, prices = publishedPrices, onProgress = () => {} } = request
  const ids = policyIds(request.policies, set, catalogue)
  const family = familyOfAll(ids)
  if (!family.windows && !isWhole(request))
    throw new UsageError(
      `--from and --to: no state of ${family.id} policies is carried over to a moment within a recording`,
      'page-list policies have them; or cut the trace: kreplay convert --from --to',
    )
  const baseline = request.baseline === undefined ? ids[0]! : family.policyId(request.baseline, set, catalogue)
  if (!ids.includes(baseline))
    throw new UsageError(`the baseline ${baseline} is not among the policies`, 'add it to --policies')
  const again = request.captures.find(
    (path, at) => request.captures.findIndex((p) => resolve(p) === resolve(path)) !== at,
  )
  if (again !== undefined) throw new UsageError(`${again} is given twice`)
  const steps = request.captures.length * (ids.length + 1 + family.ownRuns)
  let done = 0
  const comparing = family.start({
    policies: ids,
    baseline,
    set,
    catalogue,
    prices,
    jobs: request.jobs ?? availableParallelism(),
    version,
    onRun: (id) => onProgress(`replaying ${id}`, done++, steps),
    listener,
    ownsEvents,
  })
  const names = new Set<string>()
  for (const path of request.captures) {
    const read = await readOne(path)
    onProgress('estimating what the kernel did', done, steps)
    // Runs are distinguished by their capture's name: of two folders of one name, the later goes by its path.
    const recording = names.has(read.name) ? { ...read, name: path } : read
    names.add(recording.name)
    const lacks = family.lacks(recording)
    if (lacks !== undefined) throw new TraceError({ place: { file: path }, ...lacks })
    done += 1 + family.ownRuns
    await comparing.add(recording, request.isolated ?? recording.machine.isolated, windowOf(recording.events, request))
  }
  return { ...comparing.compose(), command: commandLineOf(request) }
}
