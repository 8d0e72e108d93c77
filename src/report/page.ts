import type { Comparison } from '#metrics'
import { sections } from './sections/index.ts'
import type { Built, Chart, Section, Table } from './sections/section.ts'

/** A section with everything in it built; an empty one is left out. This is what every printer prints. */
export interface Part {
  readonly section: Pick<Section, 'id' | 'question' | 'short'>
  readonly paragraphs: readonly string[]
  readonly figures: NonNullable<Built['figures']>
  readonly tables: readonly Table[]
  readonly charts: readonly Chart[]
  readonly caveats: readonly string[]
}

export interface Page {
  readonly title: string
  /** What was replayed: capture, kernel. */
  readonly origin: string
  readonly version: string
  readonly parts: readonly Part[]
}

export function compose(comparison: Comparison): Page {
  const { captures, version } = comparison
  return {
    title: `Page policies compared: ${captures.map(({ name }) => name).join(', ')}`,
    origin: captures
      .map(({ name, kernel, cpus, isolated }) => {
        const apart = isolated.length === 0 ? '' : `, ${isolated.length} isolated`
        return `${name}: Linux ${kernel}, ${cpus.length} CPUs${apart}`
      })
      .join('; '),
    version,
    parts: sections
      .filter((section) => section.applies(comparison))
      .map((section) => {
        const { paragraphs = [], figures = [], tables = [], charts = [], caveats = [] } = section.build(comparison)
        return { section, paragraphs, figures, tables, charts, caveats: [...new Set(caveats)] }
      }),
  }
}
