import { percent } from '../caveats.ts'
import { scoreWords } from '../score.ts'
import { listed, nothingToCompare } from '../sentences.ts'
import type { SlabFidelity } from './fidelity-schema.ts'
import type { SlabComparedRun, SlabComparison } from './schema.ts'

const count = (value: number): string => Math.round(value).toLocaleString('en-US')

type Difference = SlabComparison['differences'][number]
type Row = SlabComparison['recorded'][number]

/** What probes can check, the most expensive first: a new slab takes zone->lock or a page list, a slow path the list_lock or a barn. */
const words = {
  slabsAllocated: 'new slabs',
  slabFrees: 'calls of __slab_free()',
  allocSlowPaths: 'slow allocations',
} as const
const checkedFirst = Object.keys(words) as (keyof typeof words)[]

/** "41 % fewer new slabs (34, not 66; model error 49 %)" */
function change({ measure, value, baseline }: Difference, error: number | undefined): string {
  const by = baseline === 0 ? '' : `${percent(Math.abs(value - baseline) / baseline)} `
  const off = error === undefined ? '' : `; model error ${percent(error)}`
  return `${by}${value < baseline ? 'fewer' : 'more'} ${words[measure as keyof typeof words]} (${count(value)}, not ${count(baseline)}${off})`
}

/** How far to trust a comparison: what the replay of the kernel's own policy is off, by what probes counted. */
function trustIn(row: Row | undefined, fidelity: SlabFidelity | undefined): string {
  if (row === undefined) return 'No slow path was probed: nothing checks the replay.'
  const parts = checkedFirst.flatMap((id) => {
    const error = row.modelError[id]
    return error === undefined ? [] : [`${words[id]} ${error === 0 ? 'exact' : percent(error)}`]
  })
  const { slabSlowPaths } = fidelity?.scores ?? {}
  const score =
    slabSlowPaths === undefined ? '' : ` Over all caches it reproduces ${scoreWords(slabSlowPaths)} of the slow paths.`
  return `Model error of the kernel’s own policy, free-running, summed cache by cache: ${parts.join(', ')}.${score} Use of list_lock and what CPUs hold are not recorded.`
}

/** What is settled of the policy that saves most, then how far to trust it. Nothing rests on what no probe counts. */
export function slabHeadline(
  capture: string,
  runs: readonly SlabComparedRun[],
  baseline: string,
  differences: readonly Difference[],
  row: Row | undefined,
  fidelity?: SlabFidelity,
): string {
  const base = runs.find(({ policy }) => policy === baseline)
  if (base === undefined || runs.length < 2) return nothingToCompare(capture)
  const trust = trustIn(row, fidelity)
  const settled = differences.filter(({ measure, verdict }) => measure in words && verdict === 'settled')
  const best = checkedFirst.flatMap((id) => leastOf(settled.filter(({ measure }) => measure === id)) ?? [])[0]
  if (best === undefined) {
    const why =
      row === undefined ? 'nothing of it was probed' : 'none of what probes counted falls by more than the model error'
    return `On ${capture}, no policy is shown to save work of the slab allocator compared with ${baseline}: ${why}. ${trust}`
  }
  const own = settled.filter(({ policy }) => policy === best.policy)
  const changes = checkedFirst.flatMap((id) => own.find(({ measure }) => measure === id) ?? [])
  return `On ${capture}, ${best.policy} has ${listed(changes.map((one) => change(one, row?.modelError[one.measure])))} compared with ${baseline}. ${trust}`
}

/** The largest saving of one measure; undefined where nothing is saved. */
const leastOf = (differences: readonly Difference[]): Difference | undefined =>
  differences.filter(({ value, baseline }) => value < baseline).toSorted((a, b) => a.value - b.value)[0]
