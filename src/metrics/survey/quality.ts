import { lossesOf, type Recording } from '#events'
import { share } from '#kernel'
import { syntheticCaveat } from '../caveats.ts'
import type { PageSurvey } from './pages.ts'
import type { RcuSurvey } from './rcu.ts'
import type { SlabSurvey } from './slab.ts'

const number = (value: number): string => value.toLocaleString('en-US')
/** "all" is said only of all. */
const shareOf = (part: number, whole: number): string =>
  part === whole ? 'all' : `${(Math.floor(1000 * (share(part, whole) ?? 0)) / 10).toFixed(1)} %`

/** Causes of a tally that took no event away: their events are read, or stand among the losses. */
const NOTHING_UNREAD: ReadonlySet<string> = new Set([
  'time-backwards',
  'unknown-gfp-flag',
  'unended-line',
  'overwritten-events',
])
/** Lines beside the trace: what they say is not known. */
const PROSE: ReadonlySet<string> = new Set(['mail-line', 'console-line'])

/** What the record lacks, and what therefore can and can't be concluded from it: a sentence each. */
export function surveyQuality(
  recording: Recording,
  { pages, slab, rcu }: { pages: PageSurvey | undefined; slab: SlabSurvey | undefined; rcu: RcuSurvey | undefined },
) {
  const { events, machine, tally } = recording
  const losses = lossesOf(events)
  const seen = new Uint8Array(0x10000)
  for (let row = 0; row < events.length; row++) seen[events.cpu[row]!] = 1
  const silentCpus = machine.cpus.filter((cpu) => seen[cpu] === 0)
  const countOf = (wanted: (entry: (typeof tally)[number]) => boolean): number =>
    tally.filter(wanted).reduce((sum, { count }) => sum + count, 0)
  const skipped = countOf(({ level, cause }) => level !== 'note' && !NOTHING_UNREAD.has(cause))
  const prose = countOf(({ cause }) => PROSE.has(cause))
  const isCut = tally.some(({ cause }) => cause === 'unended-line')
  const hasCpus = tally.every(({ cause }) => cause !== 'cpu-not-printed')
  const lacking = losses.gaps > 0 || skipped > 0
  const verdict: string[] = []
  const synthetic = syntheticCaveat(machine)
  if (synthetic !== undefined) verdict.push(synthetic)

  if (losses.gaps > 0) {
    const lost = losses.events > 0 ? `at least ${number(losses.events)} events` : 'an unknown number of events'
    verdict.push(`Totals are lower bounds: ${lost} were lost in ${number(losses.gaps)} gaps.`)
  }
  if (skipped > 0) verdict.push(`Totals lack ${number(skipped)} items that could not be read; the causes are listed.`)
  if (isCut) verdict.push('The last line has no end: the text may have been cut there.')
  if (prose > 0)
    verdict.push(
      `${number(prose)} lines beside the trace were not read: whether something was cut out there, they do not tell.`,
    )
  if (!lacking && prose === 0 && !isCut)
    verdict.push('Counts of what was recorded are complete: no loss is marked and nothing was skipped.')
  if (!hasCpus)
    verdict.push('No line tells its CPU: all events stand on CPU 0, and what is said of CPUs means nothing.')
  if (silentCpus.length > 0)
    verdict.push(`CPU ${silentCpus.join(', ')} recorded nothing: idle or not traced, the record does not tell.`)
  for (const [what, of, allocs, frees] of [
    ['pages', pages?.matching, pages?.allocs, pages?.frees],
    ['objects', slab?.matching, slab?.allocs, slab?.frees],
  ] as const) {
    if (of === undefined) continue
    if (allocs === 0 || frees === 0) {
      if (allocs !== frees)
        verdict.push(
          `Only ${frees === 0 ? 'allocations' : 'frees'} of ${what} were recorded: lifetimes and frees on other CPUs are unknown.`,
        )
      continue
    }
    const freed = of.matched + of.neverSeen + of.alreadyFree
    if (hasCpus)
      verdict.push(
        `Frees on other CPUs are known of ${shareOf(of.matched, freed)} of the ${what} freed${of.matched === freed ? '' : '; the others were allocated before the trace or unrecorded'}.`,
      )
    const missed = of.alreadyFree + of.reallocated
    verdict.push(
      missed === 0 && !lacking
        ? `The ${number(of.aliveAtEnd)} ${what} alive at the end are those allocated and not yet freed; that is no leak by itself.`
        : `The ${number(of.aliveAtEnd)} ${what} alive at the end are an estimate, not leaks: ${number(of.reallocated)} were allocated while alive (an unrecorded free), ${number(of.alreadyFree)} freed while free (an unrecorded allocation, such as a bulk one).`,
    )
  }
  if (slab !== undefined && slab.matching.hidden > 0)
    verdict.push(`The text hides ${number(slab.matching.hidden)} addresses: those objects match nothing.`)
  if (rcu?.callbacks !== undefined && rcu.callbacks.unmatched > 0)
    verdict.push(
      `Latency is known of ${shareOf(rcu.callbacks.invoked - rcu.callbacks.unmatched, rcu.callbacks.invoked)} of the callbacks invoked.`,
    )
  if (recording.resolutionNs > 1 && rcu !== undefined)
    verdict.push(`Stamps step by ${number(recording.resolutionNs)} ns: shorter times are not resolved.`)
  if (machine.release === undefined)
    verdict.push('The release is unknown: names of migratetypes and flags are those of today’s kernels.')

  return {
    losses,
    /** Lines or records that could not be read, over all causes in `tally` but notes. */
    skipped,
    unmatchedFrees: {
      pages: (pages?.matching.neverSeen ?? 0) + (pages?.matching.alreadyFree ?? 0),
      objects: (slab?.matching.neverSeen ?? 0) + (slab?.matching.alreadyFree ?? 0),
    },
    reallocated: { pages: pages?.matching.reallocated ?? 0, objects: slab?.matching.reallocated ?? 0 },
    kfreeNull: slab?.matching.nulls ?? 0,
    silentCpus,
    verdict,
  }
}

export type QualitySurvey = ReturnType<typeof surveyQuality>
