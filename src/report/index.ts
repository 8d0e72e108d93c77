export { renderHtml } from './html.ts'
export { renderMarkdown } from './markdown.ts'
export { compose, type Page, type Part } from './page.ts'
export { sections } from './sections/index.ts'
export type {
  Better,
  Built,
  Cell,
  Chart,
  Column,
  KeyFigure,
  LegendEntry,
  Section,
  Table,
  Tone,
  Verdict,
} from './sections/section.ts'
