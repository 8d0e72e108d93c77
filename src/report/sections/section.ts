import type { TopLevelSpec } from 'vega-lite'
import { type ComparisonHead, type PcpComparison, type Work, workSchema } from '#metrics'

/**
 * A section is data with a question. It builds tables, charts and sentences from a comparison and knows nothing of
 * HTML or Markdown; the printers know nothing of policies. To add one, write a file and name it in `sections/index.ts`.
 */
export interface Section<C extends ComparisonHead = PcpComparison> {
  readonly id: string
  /** Heading of the section: what a reader wants to know. */
  readonly question: string
  /** A word or two for the table of contents. */
  readonly short: string
  readonly applies: (comparison: C) => boolean
  readonly build: (comparison: C) => Built
}

export interface Built {
  readonly figures?: readonly KeyFigure[]
  readonly paragraphs?: readonly string[]
  readonly tables?: readonly Table[]
  readonly charts?: readonly Chart[]
  /** What limits the conclusion. Printed before the tables. */
  readonly caveats?: readonly string[]
}

export interface KeyFigure {
  readonly label: string
  readonly value: string
  readonly note: string
  readonly tone: Tone
}

export type Better = 'fewer' | 'more'
export type Tone = 'good' | 'fair' | 'poor' | 'none'

export interface Column {
  readonly title: string
  /** How its values are written; `ns` picks ns, µs, ms or s for the whole column. */
  readonly kind: 'text' | 'count' | 'share' | 'ns' | 'seconds'
  readonly unit?: string
  readonly better?: Better
  readonly help?: string
}

/** A number (or nothing) with a judgement in words; the printers add the colour. */
export interface Verdict {
  readonly value: number | undefined
  readonly words: string
  readonly tone: Tone
}

/** `undefined` is "nothing happened" and is printed as "–". */
export type Cell = string | number | undefined | Verdict

export interface Table {
  readonly caption: string
  readonly columns: readonly Column[]
  readonly rows: readonly (readonly Cell[])[]
  /** Row that the others are compared with, in each column which says what is better. */
  readonly baselineRow?: number
}

export interface LegendEntry {
  readonly label: string
  readonly colour: `k${0 | 1 | 2 | 3 | 4 | 5 | 6 | 7}` | 'muted'
  readonly shape: 'line' | 'dash' | 'area' | 'dot' | 'triangle'
}

export interface Chart {
  readonly id: string
  /** The question that the chart answers at a glance. */
  readonly title: string
  /** The same for those who do not see it, with the figures that matter. */
  readonly alt: string
  readonly legend: readonly LegendEntry[]
  readonly spec: TopLevelSpec
  /** The numbers behind it. */
  readonly table: Table
}

export const text = (title: string): Column => ({ title, kind: 'text' })
export const count = (title: string, better?: Better, help?: string): Column =>
  optional('count', title, { better, help })
export const pages = (title: string, better?: Better, help?: string): Column =>
  optional('count', title, { better, help, unit: 'pages' })
export const percent = (title: string, better?: Better, help?: string): Column =>
  optional('share', title, { better, help })
export const duration = (title: string, better?: Better, help?: string): Column =>
  optional('ns', title, { better, help })
export const seconds = (title: string): Column => ({ title, kind: 'seconds', unit: 's' })

/** A column of one of the counts of work, which brings its help from the schema. */
export const workColumn = (field: keyof Work, title: string, better?: Better): Column =>
  (/Pages/.test(field) ? pages : count)(title, better, helpOf(field))

export const helpOf = (field: keyof Work): string | undefined =>
  workSchema.shape[field].meta()?.help as string | undefined

function optional(
  kind: Column['kind'],
  title: string,
  { better, help, unit }: { better?: Better | undefined; help?: string | undefined; unit?: string },
): Column {
  return {
    title,
    kind,
    ...(unit === undefined ? {} : { unit }),
    ...(better === undefined ? {} : { better }),
    ...(help === undefined ? {} : { help }),
  }
}
