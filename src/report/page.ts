import { counted } from '#kernel/messages'
import type { Comparison } from '#metrics'
import { type Matrix, matricesOf } from './matrix/index.ts'
import type { Group } from './sections/group.ts'
import { groupsOf } from './sections/index.ts'
import type { Built, Chart, Section, Table } from './sections/section.ts'
import { type Timeline, timelinesOf } from './timeline.ts'
import { onTraceClock } from './trace-clock.ts'

/** A section with everything in it built; an empty one is left out. This is what every printer prints. */
export interface Part {
  readonly section: Pick<Section, 'id' | 'question' | 'short'>
  /** The question under which it is folded; a part without one stands open. */
  readonly group?: Group['id']
  readonly paragraphs: readonly string[]
  readonly figures: NonNullable<Built['figures']>
  readonly tables: readonly Table[]
  readonly charts: readonly Chart[]
  readonly caveats: readonly string[]
}

export interface Page {
  /** What is not modelled of the recording machine: what a reader sees first. */
  readonly notModelled: readonly string[]
  readonly title: string
  /** What was replayed: capture, kernel. */
  readonly origin: string
  readonly version: string
  /** What the first screen shows beneath the conclusion, capture by capture. */
  readonly matrices: readonly Matrix[]
  readonly timelines: readonly Timeline[]
  readonly parts: readonly Part[]
}

const titles: { readonly [F in Comparison['family']]: string } = {
  accept: 'Ways to accept memory',
  kvfree: 'Ways of kvfree_rcu()',
  pcp: 'Page policies',
  slab: 'Slab allocators',
}

export function compose(result: Comparison): Page {
  const comparison = onTraceClock(result)
  const { captures, version } = comparison
  return {
    notModelled: comparison.notModelled ?? [],
    title: `${titles[comparison.family]} compared: ${captures.map(({ name }) => name).join(', ')}`,
    origin: captures
      .map(({ name, kernel, cpus, isolated }) => {
        const apart = isolated.length === 0 ? '' : `, ${isolated.length} isolated`
        return `${name}: Linux ${kernel}, ${counted(cpus.length, 'CPU')}${apart}`
      })
      .join('; '),
    version,
    matrices: matricesOf(comparison),
    timelines: timelinesOf(comparison),
    parts: groupsOf(comparison).flatMap(({ id, sections }) =>
      sections
        .filter((section) => section.applies(comparison))
        .map((section): Part => {
          const { paragraphs = [], figures = [], tables = [], charts = [], caveats = [] } = section.build(comparison)
          const part = { section, paragraphs, figures, tables, charts, caveats: [...new Set(caveats)] }
          return id === 'first' ? part : { ...part, group: id }
        }),
    ),
  }
}
