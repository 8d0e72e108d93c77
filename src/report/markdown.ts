import type { Comparison } from '#metrics'
import { comparisonOf, headingOf, isVerdict, writerOf } from './format.ts'
import { compose, type Part } from './page.ts'
import type { Table } from './sections/section.ts'

/** Charts cannot be drawn here: their words stand in for them, and their table where it is short enough to read. */
const MOST_CHART_ROWS = 20

/** The report as GitHub-flavoured Markdown, for mails, merge requests and diffs. */
export function renderMarkdown(comparison: Comparison): string {
  const page = compose(comparison)
  return [
    `# ${esc(page.title)}`,
    esc(page.origin),
    ...page.parts.flatMap(partOf),
    `Made by kreplay ${esc(page.version)}.\n`,
  ].join('\n\n')
}

/** Text from a trace is text: no markup of Markdown's, no HTML, no new line out of a table's cell. */
const esc = (text: string): string =>
  text
    .replace(/\s*\n\s*/g, ' ')
    .replace(/[\\`*[\]<|~]/g, '\\$&')
    .replace(/(?<![\w])_|_(?![\w])/g, '\\_')

const partOf = ({ section, paragraphs, figures, tables, charts, caveats }: Part): string[] =>
  [
    `## ${section.question}`,
    ...paragraphs.map(esc),
    figures.map(({ label, value, note }) => `- ${esc(label)}: **${esc(value)}** (${esc(note)})`).join('\n'),
    caveats.map((one) => `> **Note:** ${esc(one)}`).join('\n>\n'),
    ...tables.flatMap(tableOf),
    ...charts.flatMap(({ title, alt, table }) => [
      `### ${esc(title)}`,
      esc(alt),
      ...(table.rows.length <= MOST_CHART_ROWS
        ? tableOf(table)
        : [`(${table.rows.length} rows of numbers stand behind the chart in the HTML report.)`]),
    ]),
  ].filter((block) => block !== '')

/** Columns are padded, so that a table reads as one in a mail too. */
function tableOf(table: Table): string[] {
  const write = table.columns.map((_, at) => writerOf(table, at))
  const cells = table.rows.map((row, index) =>
    row.map((cell, at) => {
      if (isVerdict(cell)) return esc(cell.words)
      const text = esc(write[at]?.(cell) ?? '')
      const difference = comparisonOf(table, index, at)
      if (difference !== undefined) return `${text} (${esc(difference.words)})`
      return at === 0 && index === table.baselineRow ? `${text} (baseline)` : text
    }),
  )
  const heads = table.columns.map((column) => esc(headingOf(column)))
  const widths = heads.map((head, at) => Math.max(3, head.length, ...cells.map((row) => row[at]?.length ?? 0)))
  const isText = (at: number): boolean => table.columns[at]?.kind === 'text'
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, at) => (isText(at) ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))).join(' | ')} |`
  const rule = `| ${widths.map((width, at) => (isText(at) ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`
  return [`**${esc(table.caption)}**`, [line(heads), rule, ...cells.map(line)].join('\n')]
}
