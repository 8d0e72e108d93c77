import { lossesOf, type Recording } from '#events'
import { share } from '#kernel'
import { counted } from '#kernel/messages'
import { syntheticCaveat, unreadIn } from '../caveats.ts'
import type { PageSurvey } from './pages.ts'
import type { RcuSurvey } from './rcu.ts'
import type { SlabSurvey } from './slab.ts'

const number = (value: number): string => value.toLocaleString('en-US')
/** "all" is said only of all. */
const shareOf = (part: number, whole: number): string =>
  part === whole ? 'all' : `${(Math.floor(1000 * (share(part, whole) ?? 0)) / 10).toFixed(1)} %`

/** Lines beside the trace: what they say is not known. */
const PROSE: ReadonlySet<string> = new Set(['mail-line', 'console-line'])

interface Surveys {
  readonly pages: PageSurvey | undefined
  readonly slab: SlabSurvey | undefined
  readonly rcu: RcuSurvey | undefined
}

/** What the record lacks, and what therefore can and can't be concluded from it: a sentence each. */
export function surveyQuality(recording: Recording, surveys: Surveys) {
  const { events, machine, tally } = recording
  const { pages, slab } = surveys
  const losses = lossesOf(events)
  const seen = new Uint8Array(0x10000)
  for (let row = 0; row < events.length; row++) seen[events.cpu[row]!] = 1
  const silentCpus = machine.cpus.filter((cpu) => seen[cpu] === 0)
  const skipped = unreadIn(tally)
  const isLacking = losses.gaps > 0 || skipped > 0 || (pages?.matching.reallocated ?? 0) > 0
  const hasCpus = tally.every(({ cause }) => cause !== 'cpu-not-printed')
  const synthetic = syntheticCaveat(machine)
  const verdict = [
    ...(synthetic === undefined ? [] : [synthetic]),
    ...lackSentences(recording, surveys, skipped, isLacking),
    ...cpuSentences(hasCpus, silentCpus),
    ...matchSentences(surveys, hasCpus, isLacking),
    ...restSentences(recording, surveys),
  ]

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

/** Whether totals are whole, and what they lack. */
function lackSentences(
  { events, tally }: Recording,
  { pages }: Surveys,
  skipped: number,
  isLacking: boolean,
): string[] {
  const losses = lossesOf(events)
  const prose = tally.filter(({ cause }) => PROSE.has(cause)).reduce((sum, { count }) => sum + count, 0)
  const isCut = tally.some(({ cause }) => cause === 'unended-line')
  const twice = pages?.matching.reallocated ?? 0
  const sentences: string[] = []
  if (losses.gaps > 0) {
    const lost = losses.events > 0 ? `at least ${counted(losses.events, 'event')}` : 'an unknown number of events'
    const many = losses.events === 1 ? 'was' : 'were'
    sentences.push(`Totals are lower bounds: ${lost} ${many} lost in ${counted(losses.gaps, 'gap')}.`)
  } else if (twice > 0)
    sentences.push(
      `Totals are lower bounds: no loss is marked, but ${counted(twice, 'page')} ${twice === 1 ? 'was' : 'were'} allocated while allocated, so events are missing.`,
    )
  if (skipped > 0)
    sentences.push(`Totals lack ${counted(skipped, 'item')} that could not be read; the causes are listed.`)
  if (isCut) sentences.push('The last line has no end: the text may have been cut there.')
  if (prose > 0)
    sentences.push(
      `${counted(prose, 'line')} beside the trace ${prose === 1 ? 'was' : 'were'} not read: whether something was cut out there, they do not tell.`,
    )
  if (!isLacking && prose === 0 && !isCut)
    sentences.push('Counts of what was recorded are complete: no loss is marked and nothing was skipped.')
  return sentences
}

function cpuSentences(hasCpus: boolean, silent: readonly number[]): string[] {
  return [
    ...(hasCpus ? [] : ['No line tells its CPU: all events stand on CPU 0, and what is said of CPUs means nothing.']),
    ...(silent.length === 0
      ? []
      : [`CPU ${silent.join(', ')} recorded nothing: idle or not traced, the record does not tell.`]),
  ]
}

/** What is alive at the end, and how sure that is. */
function aliveSentence(one: string, of: PageSurvey['matching'], isWhole: boolean): string {
  const { aliveAtEnd, alreadyFree, reallocated } = of
  const alive =
    aliveAtEnd === 0
      ? `That no ${one} is alive at the end is`
      : `The ${counted(aliveAtEnd, one)} alive at the end ${aliveAtEnd === 1 ? 'is' : 'are'}`
  if (alreadyFree + reallocated > 0 || !isWhole)
    return `${alive} an estimate${aliveAtEnd === 0 ? '' : ', not leaks'}: ${number(reallocated)} allocated while alive (an unrecorded free), ${number(alreadyFree)} freed while free (an unrecorded allocation, such as a bulk one).`
  return aliveAtEnd === 0
    ? `Every ${one} that was allocated was freed.`
    : `${alive} allocated and not yet freed; that is no leak by itself.`
}

/** Which frees are matched with their allocations, and what the rest means. */
function matchSentences({ pages, slab }: Surveys, hasCpus: boolean, isLacking: boolean): string[] {
  return [['page', pages] as const, ['object', slab] as const].flatMap(([one, survey]) => {
    if (survey === undefined) return []
    const { allocs, frees, matching: of } = survey
    if (allocs === 0 || frees === 0)
      return allocs === frees
        ? []
        : [
            `Only ${frees === 0 ? 'allocations' : 'frees'} of ${one}s were recorded: lifetimes and frees on other CPUs are unknown.`,
          ]
    const freed = of.matched + of.neverSeen + of.alreadyFree
    const others = of.matched === freed ? '' : '; the others were allocated before the trace or unrecorded'
    return [
      ...(hasCpus
        ? [`Frees on other CPUs are known of ${shareOf(of.matched, freed)} of the ${one}s freed${others}.`]
        : []),
      aliveSentence(one, of, !isLacking),
    ]
  })
}

function restSentences({ resolutionNs, machine }: Recording, { slab, rcu }: Surveys): string[] {
  const sentences: string[] = []
  if (slab !== undefined && slab.matching.hidden > 0)
    sentences.push(
      `The text hides ${counted(slab.matching.hidden, 'address', 'addresses')}: those objects match nothing.`,
    )
  if (rcu?.callbacks !== undefined && rcu.callbacks.unmatched > 0)
    sentences.push(
      `Latency is known of ${shareOf(rcu.callbacks.invoked - rcu.callbacks.unmatched, rcu.callbacks.invoked)} of the callbacks invoked.`,
    )
  if (resolutionNs > 1 && rcu !== undefined)
    sentences.push(`Stamps step by ${number(resolutionNs)} ns: shorter times are not resolved.`)
  if (machine.release === undefined)
    sentences.push('The release is unknown: names of migratetypes and flags are those of today’s kernels.')
  return sentences
}

export type QualitySurvey = ReturnType<typeof surveyQuality>
