import { cleanText, counted } from '#kernel/messages'
import type { Comparison } from '#metrics'
import { comparisonOf, formatShare, headingOf, isVerdict, writerOf } from './format.ts'
import type { Matrix } from './matrix/index.ts'
import { differenceWords, errorName, marked, notesOf, rowName, writerOfColumn } from './matrix/words.ts'
import { compose, type Part } from './page.ts'
import type { Table } from './sections/section.ts'

/** Charts cannot be drawn here: their words stand in for them, and their table where it is short enough to read. */
const MOST_CHART_ROWS = 20

/** The report as GitHub-flavoured Markdown, for mails, merge requests and diffs. */
export function renderMarkdown(comparison: Comparison): string {
  const page = compose(comparison)
  return [
    ...page.notModelled.map((sentence) => `> **Not modelled:** ${escapeMarkdown(sentence)}`),
    `# ${escapeMarkdown(page.title)}`,
    escapeMarkdown(page.origin),
    ...page.parts.flatMap((part, at) =>
      at === 0 ? [...partOf(part), ...page.matrices.flatMap(matrixOf)] : partOf(part),
    ),
    `Made by kreplay ${escapeMarkdown(page.version)}.\n`,
  ].join('\n\n')
}

/** Text from a trace is text: no markup of Markdown's, no HTML, no new line out of a table's cell. */
export const escapeMarkdown = (text: string): string =>
  cleanText(text.replace(/\s*\n\s*/g, ' '))
    .replace(/[\\`*[\]<|~]|&(?=#?\w+;)/g, '\\$&')
    .replace(/(?<![\w])_|_(?![\w])/g, '\\_')

/** The decision matrix; a sign marks a difference that is no finding. */
function matrixOf(matrix: Matrix): string[] {
  const write = matrix.columns.map((_, at) => writerOfColumn(matrix, at))
  const columns = [
    { title: 'policy', right: false },
    ...matrix.columns.map(({ short, unit }) => ({
      title: unit === undefined ? short : `${short} (${unit})`,
      right: true,
    })),
  ]
  const rows = matrix.rows.map((row) => [
    rowName(row),
    ...row.cells.map((cell, at) => {
      const difference = differenceWords(cell)
      return `${write[at]?.(cell.value)}${difference === '' ? '' : ` (${marked(difference, cell)})`}`
    }),
  ])
  const errors = matrix.columns.map(({ error }) => (error === undefined ? '–' : formatShare(error)))
  return [
    markdownTable(columns, [...rows, [errorName(matrix), ...errors]]),
    `≈ within the model error, losses or repeats; ± depends on an assumption; ? unchecked; ! not modelled; no sign: settled.`,
    ...notesOf(matrix),
  ]
}

const partOf = ({ section, paragraphs, figures, tables, charts, caveats }: Part): string[] =>
  [
    `## ${section.question}`,
    ...paragraphs.map(escapeMarkdown),
    figures
      .map(
        ({ label, value, note }) =>
          `- ${escapeMarkdown(label)}: **${escapeMarkdown(value)}** (${escapeMarkdown(note)})`,
      )
      .join('\n'),
    caveats.map((one) => `> **Note:** ${escapeMarkdown(one)}`).join('\n>\n'),
    ...tables.flatMap(tableOf),
    ...charts.flatMap(({ title, alt, table }) => [
      `### ${escapeMarkdown(title)}`,
      escapeMarkdown(alt),
      ...(table.rows.length <= MOST_CHART_ROWS
        ? tableOf(table)
        : [`(${counted(table.rows.length, 'row')} of numbers stand behind the chart in the HTML report.)`]),
    ]),
  ].filter((block) => block !== '')

function tableOf(table: Table): string[] {
  const write = table.columns.map((_, at) => writerOf(table, at))
  const cells = table.rows.map((row, index) =>
    row.map((cell, at) => {
      if (isVerdict(cell)) return cell.words
      const text = write[at]?.(cell) ?? ''
      const difference = comparisonOf(table, index, at)
      if (difference !== undefined) return `${text} (${difference})`
      return at === 0 && index === table.baselineRow ? `${text} (baseline)` : text
    }),
  )
  const columns = table.columns.map((column) => ({ title: headingOf(column), right: column.kind !== 'text' }))
  return [`**${escapeMarkdown(table.caption)}**`, markdownTable(columns, cells)]
}

/** Columns are padded, so that a table reads as one in a mail too. */
export function markdownTable(
  columns: readonly { readonly title: string; readonly right: boolean }[],
  rows: readonly (readonly string[])[],
): string {
  const heads = columns.map(({ title }) => escapeMarkdown(title))
  const cells = rows.map((row) => row.map(escapeMarkdown))
  const widths = heads.map((head, at) => Math.max(3, head.length, ...cells.map((row) => row[at]?.length ?? 0)))
  const line = (row: readonly string[]): string =>
    `| ${columns.map(({ right }, at) => (right ? (row[at] ?? '').padStart(widths[at]!) : (row[at] ?? '').padEnd(widths[at]!))).join(' | ')} |`
  const rule = `| ${columns.map(({ right }, at) => (right ? `${'-'.repeat(widths[at]! - 1)}:` : '-'.repeat(widths[at]!))).join(' | ')} |`
  return [line(heads), rule, ...cells.map(line)].join('\n')
}
