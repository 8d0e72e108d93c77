import type { Recording } from '#events'
import { share } from '#kernel'
import { scoreOf } from './fidelity.ts'
import type { Fidelity, PcpFidelity, Run } from './schemas.ts'

/** Below this score a replay does not fit its recording, and no finding is stated. */
const FITS = 0.5

/** Differences below this share are called none: one recording can't tell them from chance. */
const NOTICEABLE = 0.01

const percent = (value: number): string => {
  const digits = Math.abs(value) < 0.1 ? 1 : 0
  return `${(value * 100).toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits })} %`
}
const number = (value: number): string => value.toLocaleString('en-US')

/** Rounded down, so that 100 % is said only of all. */
const score = (value: number): string => `${(Math.floor(value * 1000) / 10).toFixed(1)} %`

/** What of a kind is exact; where the trace holds more than could be scored, of how many. */
function reproduced(
  what: string,
  { recorded, predicted, exact }: PcpFidelity['refills'],
  inTrace: number | undefined = recorded,
): string[] {
  if (Math.max(recorded, predicted) === 0) return []
  const invented = predicted - exact
  const part = exact === recorded ? `all ${number(recorded)}` : `${number(exact)} of ${number(recorded)}`
  const rest = inTrace > recorded ? ` scored (${number(inTrace)} were recorded)` : ''
  return [
    `${part} ${what}${rest}${invented > recorded - exact ? ` (and predicts ${number(invented)} that were not recorded so)` : ''}`,
  ]
}

/** How far to trust a comparison: what is reproduced, on how many CPUs, and how the replay fares without the record’s help. */
function trustIn({ pcp, synthetic }: Fidelity): string {
  if (pcp === undefined) return 'The trace holds nothing to check the replay against.'
  const { coverage } = pcp
  const parts = [
    ...reproduced('refills', pcp.refills, coverage?.refills?.inTrace),
    ...reproduced('drain bursts', pcp.drainBursts, coverage?.drainBursts?.inTrace),
  ]
  if (parts.length === 0) return 'The recording kernel recorded too little to check the replay against.'
  const busy = pcp.perCpu.filter(({ scored, warmupShare }) => scored || warmupShare > 0)
  const scored = busy.filter((cpu) => cpu.scored).length
  const where = scored < busy.length ? ` on ${scored} of ${busy.length} CPUs (the others’ lists were not known)` : ''
  const bare = [pcp.withoutResync.refills, pcp.withoutResync.drainBursts]
    .map(scoreOf)
    .filter((value) => value !== undefined)
  const helped = [pcp.refills, pcp.drainBursts].map(scoreOf).filter((value) => value !== undefined)
  const worse = bare.some((value, at) => value < (helped[at] ?? 0) - NOTICEABLE)
  const alone = worse ? ` Not put right after its misses, it scores ${bare.map(score).join(' and ')}.` : ''
  const whole = [coverage?.refills, coverage?.drainBursts].every(
    (part) => part === undefined || part.inTrace <= part.scored,
  )
  const of = synthetic === true ? ' of the synthetic trace' : whole ? ' that this kernel recorded' : ''
  return `kreplay reproduces exactly ${parts.join(' and ')}${of}${where}.${alone}`
}

/** The run with the least cost, compared part by part; the first of equals. */
function least(runs: readonly Run[], cost: (run: Run) => readonly number[]): Run | undefined {
  const before = (a: readonly number[], b: readonly number[]): boolean => {
    const at = a.findIndex((value, part) => value !== b[part])
    return at >= 0 && a[at]! < b[at]!
  }
  return runs.reduce<Run | undefined>(
    (best, run) => (best === undefined || before(cost(run), cost(best)) ? run : best),
    undefined,
  )
}

/** What a change does to zone->lock, for better and for worse. */
function lockWork(base: Run, best: Run): string {
  const change = (of: (run: Run) => number) => share(of(best) - of(base), of(base)) ?? 0
  const pages = change(({ work }) => work.zoneLockPages)
  const takes = change(({ work }) => work.zoneLocks)
  const moved =
    Math.abs(pages) < NOTICEABLE
      ? 'moves about as many pages under zone->lock'
      : `moves ${percent(Math.abs(pages))} ${pages < 0 ? 'fewer' : 'more'} pages under zone->lock`
  if (Math.abs(takes) < NOTICEABLE) return moved
  const opposed = Math.abs(pages) < NOTICEABLE || takes > 0 !== pages > 0
  return `${moved} ${opposed ? 'but' : 'and'} takes it ${percent(Math.abs(takes))} ${takes < 0 ? 'less' : 'more'} often`
}

interface Interrupting {
  readonly isolated: readonly number[]
  /** By CPU, where the baseline is the recording kernel’s own policy. */
  readonly recorded: Readonly<Record<string, number>>
  /** Other policies that interrupt as seldom as the best. */
  readonly alike: number
}

function interruptionFinding(base: Run, best: Run, { isolated, recorded, alike }: Interrupting): string {
  const onIsolated = (by: Readonly<Record<string, number>>) => isolated.reduce((sum, cpu) => sum + (by[cpu] ?? 0), 0)
  const all = Object.values(recorded).reduce((sum, times) => sum + times, 0)
  const iso =
    isolated.length === 0 ? [] : [`${number(onIsolated(base.interruptions))} on isolated CPU ${isolated.join(', ')}`]
  const same = all === base.work.interruptions && onIsolated(recorded) === onIsolated(base.interruptions)
  const record =
    all === 0
      ? []
      : [
          same
            ? 'as recorded'
            : `as recorded ${number(all)}${isolated.length === 0 ? '' : ` and ${number(onIsolated(recorded))}`}`,
        ]
  const apart = [...iso, ...record].join(same ? ', ' : '; ')
  const others = alike === 0 ? '' : ` (nor ${alike === 1 ? 'does 1 other' : `do ${alike} others`})`
  const times = best.work.interruptions === 0 ? `no CPU${others}` : `CPUs ${number(best.work.interruptions)} times`
  return `${best.policy} interrupts ${times} where ${base.policy} does so ${number(base.work.interruptions)} times${apart === '' ? '' : ` (${apart})`}, and ${lockWork(base, best)}.`
}

/**
 * Which half of a policy a change can be credited to, where the names do not tell: a release is a pair, and a bare mechanism takes the
 * recording kernel’s lists.
 */
function halvesOf(base: Run, best: Run): string {
  if (best.isBound === true) return ''
  const lists = `list rules (${best.lists}, not ${base.lists})`
  const drain = `drain mechanism (${best.drain}, not ${base.drain})`
  if (best.lists === base.lists)
    return best.drain === base.drain || best.policy.includes(best.drain) ? '' : ` The two differ in ${drain} alone.`
  if (best.drain === base.drain) return best.policy.includes(best.lists) ? '' : ` The two differ in ${lists} alone.`
  return ` The two differ in ${lists} and in ${drain}: the change is of neither alone, and pcp/${base.lists}+${best.drain} would tell them apart.`
}

/** The finding in one sentence, and how far to trust it in a second. */
export function headlineOf(
  capture: { readonly recording: Recording; readonly fidelity: Fidelity; readonly isolated: readonly number[] },
  runs: readonly Run[],
  baseline: string,
): string {
  const { recording, fidelity, isolated } = capture
  const base = runs.find(({ policy }) => policy === baseline)
  const others = runs.filter(({ policy }) => policy !== baseline)
  const trust = trustIn(fidelity)
  if (base === undefined || others.length === 0) return `${recording.name}: ${trust}`
  const where = `On ${recording.name} (Linux ${recording.machine.release?.text ?? 'unknown'})`
  const { pcp } = fidelity
  const scores =
    pcp === undefined ? [] : [scoreOf(pcp.refills), scoreOf(pcp.drainBursts)].filter((value) => value !== undefined)
  if (scores.some((value) => value < FITS))
    return `${where}, the kernel’s own rules fit the record too little for a finding: see what the capture lacks. ${trust}`
  const listed = others.filter(({ work, isBound }) => work.allocsFromList > 0 && isBound !== true)
  // Of equals, one with the baseline's own lists: only the drain differs then.
  const calm = least(listed, ({ work, lists }) => [
    work.interruptions,
    Number(lists !== base.lists),
    work.gracePeriodWaits,
    work.zoneLockPages,
  ])
  if (calm !== undefined && calm.work.interruptions < base.work.interruptions)
    return `${where}, ${interruptionFinding(base, calm, {
      isolated,
      recorded: pcp?.policy === base.policy ? pcp.interruptions.recorded : {},
      alike: listed.filter(({ work }) => work.interruptions === calm.work.interruptions).length - 1,
    })}${halvesOf(base, calm)} ${trust}`
  // Nobody gains from fewer pages under the lock if more CPUs are interrupted for them.
  const best = least(
    listed.filter(({ work }) => work.interruptions <= base.work.interruptions),
    ({ work }) => [work.zoneLockPages],
  )
  const change =
    best === undefined ? 0 : (share(best.work.zoneLockPages - base.work.zoneLockPages, base.work.zoneLockPages) ?? 0)
  if (best === undefined || change > -NOTICEABLE) {
    const rest =
      others.length === 1
        ? `${others[0]!.policy} ${lockWork(base, others[0]!)} compared with ${baseline}.${halvesOf(base, others[0]!)}`
        : `none of the ${others.length} other policies moves noticeably fewer pages under zone->lock than ${baseline} without interrupting more.`
    return `${where}, ${rest} ${trust}`
  }
  return `${where}, ${best.policy} ${lockWork(base, best)} compared with ${baseline} (${number(best.work.zoneLockPages)} pages against ${number(base.work.zoneLockPages)}).${halvesOf(base, best)} ${trust}`
}
