import { percent } from '../caveats.ts'
import type { SlabFidelity } from './fidelity-schema.ts'
import type { SlabComparedRun, SlabWork } from './schema.ts'

const count = (value: number): string => Math.round(value).toLocaleString('en-US')

interface Measure {
  readonly words: string
  readonly of: (run: SlabComparedRun) => number
  /** The probes’ count that checks it. */
  readonly checked?: 'slabsAllocated' | 'slabFrees'
}

const measures: readonly Measure[] = [
  { words: 'acquisitions of list_lock', of: ({ work }) => work.listLocks },
  { words: 'slab pages allocated', of: ({ work }) => work.slabPagesAllocated, checked: 'slabsAllocated' },
  { words: 'free objects held by a CPU, on the mean,', of: ({ held }) => held.meanPerCpu },
]

/** How far the recording kernel's own policy is from the record, over all caches; undefined where nothing was probed. */
function errorOf({ checked }: Measure, fidelity: SlabFidelity | undefined): number | undefined {
  const counted = checked === undefined ? undefined : fidelity?.totals[checked]
  return counted === undefined || counted.recorded === 0
    ? undefined
    : Math.abs(counted.predicted / counted.recorded - 1)
}

/** Where the policy with fewest acquisitions of list_lock differs from the baseline. */
export function slabHeadline(
  capture: string,
  runs: readonly SlabComparedRun[],
  baseline: string,
  fidelity?: SlabFidelity,
): string {
  const base = runs.find(({ policy }) => policy === baseline)
  if (base === undefined || runs.length < 2) return `${capture}: one policy, nothing to compare it with.`
  const locks = ({ work }: { readonly work: SlabWork }): number => work.listLocks
  const least = runs.reduce((best, run) => (locks(run) < locks(best) ? run : best))
  if (least === base)
    return `On ${capture}, no policy takes list_lock less often than ${baseline} (${count(locks(base))} times).`
  const parts = measures.map((measure) => {
    const [from, to] = [measure.of(base), measure.of(least)]
    const error = errorOf(measure, fidelity)
    const off = error === undefined ? '' : `, model error ${percent(error)}`
    return `${measure.words} ${from === to ? `stay at ${count(from)}` : `${to < from ? 'fall' : 'rise'} from ${count(from)} to ${count(to)}`}${off}`
  })
  return `On ${capture}, ${least.policy} beside ${baseline}: ${parts.join('; ')}. Nothing records list_lock and what CPUs hold, so nothing checks them.`
}
