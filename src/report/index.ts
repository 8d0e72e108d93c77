/** report: findings → sections → HTML and Markdown. */

export { inferencesOf, lostWords, type MeasureId, measureOf, savedOf, scoreOf, skippedIn, verdictHelp } from '#metrics'

/** Words and figures that the terminal shares with the report. */
export { errorOf } from '#metrics/cross'
export { formatInterval, formatShare, headingOf, writerOf } from './format.ts'
export { renderHtml, renderPage } from './html.ts'
export { composeInfo } from './info.ts'
export { escapeMarkdown, markdownTable, renderMarkdown } from './markdown.ts'
export { compose, type Page, type Part } from './page.ts'
export { renderPerfetto } from './perfetto.ts'
export { sectionsOf } from './sections/index.ts'
export { recordedWaitWords } from './sections/recorded-waits.ts'
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
export { sparklinesOf } from './sparklines.ts'
