import { share } from '#kernel'
import { number, percent } from './caveats.ts'
import type { Interval } from './losses/interval.ts'
import type { Difference, MeasureId, RecordedRow, VerdictId } from './measures.ts'
import type { Fidelity, PcpFidelity, Run } from './schemas.ts'
import { scoreOf, scoreWords } from './score.ts'
import { listed, nothingToCompare } from './sentences.ts'

/** What a finding on one capture is made from. */
export interface Compared {
  readonly name: string
  readonly kernel: string
  readonly isolated: readonly number[]
  readonly fidelity: Pick<Fidelity, 'pcp' | 'synthetic'>
  readonly row: Pick<RecordedRow, 'totals' | 'modelError' | 'ownPolicy'>
  readonly differences: readonly Difference[]
  /** What the rules leave out of how the kernel was built. */
  readonly unmodelled?: string | undefined
}

/** "99.9 % of 6,224 refills"; where more were predicted than recorded, the share is of those; nothing where none were scored. */
function reproduced(what: string, of: PcpFidelity['refills']): string[] {
  const value = scoreOf(of)
  if (value === undefined) return []
  const { recorded, predicted } = of
  return [
    `${scoreWords(value)} of ${predicted > recorded ? `${number(predicted)} predicted` : number(recorded)} ${what}`,
  ]
}

/** That a free-running score says little, since most of what it counts still followed the record; undefined where it says much. */
export function fewRanFree({ ranFree, withoutResync }: PcpFidelity): string | undefined {
  if (ranFree === undefined) return undefined
  const [refills, bulkFrees] = [withoutResync.refills.recorded, withoutResync.drainBursts.recorded]
  if (2 * (ranFree.refills + ranFree.drainBursts) >= refills + bulkFrees) return undefined
  if (ranFree.refills + ranFree.drainBursts === 0)
    return 'All of these followed the record: their lists were never known well enough to run free.'
  return `Only ${number(ranFree.refills)} of these refills and ${number(ranFree.drainBursts)} of these bulk frees came after their lists were known: the rest followed the record.`
}

/** How far to trust a comparison: the free-running score, which is the one that what-ifs have, and why it is poor. */
export function trustIn({ pcp, synthetic }: Pick<Fidelity, 'pcp' | 'synthetic'>): string {
  if (pcp === undefined) return 'The trace holds nothing to check the replay against.'
  const parts = [
    ...reproduced('refills', pcp.withoutResync.refills),
    ...reproduced('bulk frees', pcp.withoutResync.drainBursts),
  ]
  if (parts.length === 0)
    return 'Nothing was scored: the recording kernel recorded too little to check the replay against.'
  const whose = synthetic === true ? 'the synthetic trace’s own rules' : 'the kernel’s own rules'
  const why = pcp.poorBecause === undefined ? '' : ` ${pcp.poorBecause}`
  const few = fewRanFree(pcp)
  return `Free-running, ${whose} reproduce ${parts.join(' and ')} exactly.${few === undefined ? '' : ` ${few}`}${why}`
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

/**
 * Which half of a policy a change can be credited to, where the names do not say: a release is a pair, and a bare mechanism takes the
 * recording kernel’s lists.
 */
function halvesOf(base: Run, best: Run): string {
  if (best.isBound === true) return ''
  const lists = `list rules (${best.lists}, not ${base.lists})`
  const drain = `drain mechanism (${best.drain}, not ${base.drain})`
  if (best.lists === base.lists)
    return best.drain === base.drain || best.policy.includes(best.drain) ? '' : ` They differ only in ${drain}.`
  if (best.drain === base.drain) return best.policy.includes(best.lists) ? '' : ` They differ only in ${lists}.`
  return ` They differ in ${lists} and ${drain}: compare pcp/${base.lists}+${best.drain} to separate the two.`
}

/** Names of a few, of many how many. */
const namesOf = (runs: readonly Run[]): string =>
  runs.length > 3 ? `${runs.length} other policies` : listed(runs.map(({ policy }) => policy))

const LOCKS = ['zoneLocks', 'zoneLockPages'] as const

/** "60 to 80 %": by how much two policies may differ if nothing had been lost. */
function openWords({ low, high }: Interval, baseline: number): string {
  const [least, most] = [low, high].map((end) => Math.abs(end) / baseline).sort((a, b) => a - b)
  return `${percent(least!)} to ${percent(most!)}`
}

/** A finding on one capture, written from its settled differences alone. */
class Finding {
  readonly #given: Compared
  readonly #base: Run
  readonly #others: readonly Run[]
  readonly #of: ReadonlyMap<string, Difference>

  constructor(given: Compared, base: Run, others: readonly Run[]) {
    this.#given = given
    this.#base = base
    this.#others = others
    this.#of = new Map(given.differences.map((one) => [`${one.policy} ${one.measure}`, one]))
  }

  #difference(run: Run, measure: MeasureId): Difference | undefined {
    return this.#of.get(`${run.policy} ${measure}`)
  }

  /** Negative: settled and fewer; positive: settled and more; 0: not settled. */
  #settled(run: Run, measure: MeasureId): number {
    const one = this.#difference(run, measure)
    return one?.verdict === 'settled' ? one.value - one.baseline : 0
  }

  sentence(): string {
    const { unmodelled } = this.#given
    if (unmodelled !== undefined)
      return `no difference from ${this.#base.policy} is a finding: ${unmodelled} is not modelled.`
    // A bound or no lists at all is what policies are measured by, not one to choose.
    const listed = this.#others.filter(({ work, isBound }) => work.allocsFromList > 0 && isBound !== true)
    return this.#calmest(listed) ?? this.#leanest(listed) ?? this.#unsettled()
  }

  /** The policy that interrupts least. Of equals, one with the baseline’s own lists: only the drain differs then. */
  #calmest(listed: readonly Run[]): string | undefined {
    const calmer = listed.filter((run) => this.#settled(run, 'interruptions') < 0)
    const best = least(calmer, ({ work, lists }) => [
      work.interruptions,
      Number(lists !== this.#base.lists),
      work.gracePeriodWaits,
      work.zoneLockPages,
    ])
    if (best === undefined) return undefined
    const alike = calmer.filter((run) => run !== best && run.work.interruptions === best.work.interruptions)
    const also = alike.length === 0 ? '' : ` (like ${namesOf(alike)})`
    const after = best.work.interruptions
    const { all, onIsolated, recorded } = this.#before()
    const does =
      after === 0
        ? `removes all ${number(all)} ${recorded}drain interruptions`
        : `cuts ${recorded}drain interruptions from ${number(all)} to ${number(after)}`
    const { isolated } = this.#given
    const whose = isolated.length === 0 ? '' : ` (${number(onIsolated)} on isolated CPU ${isolated.join(', ')})`
    return `${best.policy}${also} ${does}${whose}; ${this.#lockWork(best)}.${halvesOf(this.#base, best)}`
  }

  /** Interruptions under the baseline: as recorded where it is the recording kernel’s own policy, so that no assumed delay counts. */
  #before(): { readonly all: number; readonly onIsolated: number; readonly recorded: string } {
    const { isolated, row } = this.#given
    const { interruptions, isolatedInterruptions = 0 } = row.totals
    if (this.#base.policy === row.ownPolicy && interruptions !== undefined && interruptions > 0)
      return { all: interruptions, onIsolated: isolatedInterruptions, recorded: 'recorded ' }
    const onIsolated = isolated.reduce((sum, cpu) => sum + (this.#base.interruptions[cpu] ?? 0), 0)
    return { all: this.#base.work.interruptions, onIsolated, recorded: '' }
  }

  /** What a change does to zone->lock, as far as it is settled. */
  #lockWork(run: Run): string {
    const settled = LOCKS.filter((id) => this.#settled(run, id) !== 0)
    if (settled.length > 0) return settled.map((id) => this.#change(run, id)).join(' and ')
    return `zone->lock work ${this.#open(LOCKS.map((id) => this.#difference(run, id)))}`
  }

  /** "does 38 % fewer operations under zone->lock (model error 0.4 %)" */
  #change(run: Run, measure: (typeof LOCKS)[number]): string {
    const { value, baseline, interval } = this.#difference(run, measure)!
    const by = share(Math.abs(value - baseline), baseline) ?? 1
    const fewer = value < baseline
    const error = this.#given.row.modelError[measure]
    const open = interval === undefined || baseline === 0 ? '' : `losses leave ${openWords(interval, baseline)} open; `
    const off = error === undefined ? '' : ` (${open}model error ${percent(error)})`
    return measure === 'zoneLocks'
      ? `does ${percent(by)} ${fewer ? 'fewer' : 'more'} operations under zone->lock${off}`
      : `moves ${percent(by)} ${fewer ? 'fewer' : 'more'} pages under zone->lock${off}`
  }

  /** Why none of these differences is a finding. */
  #open(differences: readonly (Difference | undefined)[]): string {
    const known = differences.filter((one) => one !== undefined)
    if (known.length > 0 && known.every(({ value, baseline }) => value === baseline)) return 'is unchanged'
    const has = (verdict: VerdictId) => known.filter((one) => one.verdict === verdict)
    const assumed = [...new Set(has('depends-on-assumption').flatMap(({ because }) => because))]
    if (assumed.length > 0) return `depends on an assumed input (${assumed.join(', ')})`
    if (has('within-loss').length > 0) return 'differs by less than the lost events leave open'
    if (has('within-repeats').length > 0) return 'differs by less than the captures among themselves'
    if (has('within-model-error').length > 0) {
      const errors = [...new Set(has('within-model-error').map(({ measure }) => this.#given.row.modelError[measure]))]
      const most = Math.max(0, ...errors.filter((error) => error !== undefined))
      return `is unchanged within the model error (${percent(most)})`
    }
    return 'is not recorded here, so it is not checked'
  }

  /** The policy with the least zone->lock work. Nobody gains from it if more CPUs are interrupted for it. */
  #leanest(listed: readonly Run[]): string | undefined {
    const calm = listed.filter(({ work }) => work.interruptions <= this.#base.work.interruptions)
    for (const measure of ['zoneLockPages', 'zoneLocks'] as const) {
      const best = least(
        calm.filter((run) => this.#settled(run, measure) < 0),
        (run) => [this.#difference(run, measure)!.value],
      )
      if (best === undefined) continue
      const other = LOCKS.filter((id) => id !== measure && this.#settled(best, id) !== 0)
      const changes = LOCKS.filter((id) => id === measure || other.includes(id)).map((id) => this.#change(best, id))
      return `${best.policy} ${changes.join(' and ')} compared with ${this.#base.policy}.${halvesOf(this.#base, best)}`
    }
    const [only] = listed
    if (listed.length === 1 && only !== undefined && LOCKS.some((id) => this.#settled(only, id) !== 0))
      return `${only.policy} ${this.#lockWork(only)} compared with ${this.#base.policy}.${halvesOf(this.#base, only)}`
    return undefined
  }

  #unsettled(): string {
    const base = this.#base.policy
    const one = this.#others.length === 1 ? this.#others[0]!.policy : undefined
    const checked = this.#given.differences.filter(
      ({ measure, verdict }) => LOCKS.some((id) => id === measure) && verdict !== 'unchecked',
    )
    if (checked.length === 0)
      return `no difference from ${base} is a finding: the trace records no refills or drains to check one.`
    const open = checked.filter(({ verdict }) => verdict !== 'settled')
    const saved = checked.some(({ verdict, value, baseline }) => verdict === 'settled' && value < baseline)
    if (open.length === 0 || saved)
      return `${one ?? 'no policy'} ${one === undefined ? 'saves' : 'does not save'} work under zone->lock compared with ${base} without interrupting more.`
    if (open.every(({ verdict }) => verdict === 'within-model-error')) {
      const most = Math.max(...open.map(({ measure }) => this.#given.row.modelError[measure] ?? 0))
      return `${one ?? 'no policy'} ${one === undefined ? 'saves' : 'does not save'} more zone->lock work than the model error (${percent(most)}) compared with ${base}.`
    }
    return `no saving of zone->lock work compared with ${base} is settled: it ${this.#open(open)}.`
  }
}

/** The finding on one capture, then how far to trust it. */
export function headlineOf(given: Compared, runs: readonly Run[], baseline: string): string {
  const base = runs.find(({ policy }) => policy === baseline)
  const others = runs.filter(({ policy }) => policy !== baseline)
  const trust = trustIn(given.fidelity)
  if (base === undefined) return `${given.name}: ${trust}`
  if (others.length === 0) {
    const { ownPolicy } = given.row
    const more = ownPolicy === baseline ? 'name another' : `add the kernel’s own, ${ownPolicy}`
    return `${nothingToCompare(given.name, more)} ${trust}`
  }
  return `On ${given.name} (Linux ${given.kernel}), ${new Finding(given, base, others).sentence()} ${trust}`
}
