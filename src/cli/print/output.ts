import { escapeMarkdown, markdownTable } from '#report'
import { isNumber } from '../table.ts'
import { print, printHeading, printTable } from '../terminal.ts'

/** How a command shows what it found: as text, or as GitHub's Markdown, in which nothing of a trace is markup. */
export interface Output {
  readonly title: (text: string) => void
  readonly heading: (text: string) => void
  /** A line feed at either end leaves a line empty in text. */
  readonly line: (text: string) => void
  readonly table: (head: readonly string[], rows: readonly (readonly string[])[]) => void
}

const text: Output = {
  title: printHeading,
  heading: (heading) => {
    print('')
    printHeading(heading)
  },
  line: print,
  table: printTable,
}

/** What would begin a list, a heading, a quotation or a rule at the head of a line. */
const BLOCK = /^(\d*)([#>+.)=-])/

const paragraph = (line: string): string => escapeMarkdown(line.trim()).replace(BLOCK, '$1\\$2')

const block = (words: string): void => {
  if (words !== '') print(`${words}\n`)
}

const markdown: Output = {
  title: (title) => block(`## ${paragraph(title)}`),
  heading: (heading) => block(`### ${paragraph(heading)}`),
  line: (line) => block(paragraph(line)),
  table: (head, rows) =>
    block(
      markdownTable(
        head.map((title, at) => ({ title, right: rows.length > 0 && rows.every((row) => isNumber(row[at] ?? '')) })),
        rows,
      ),
    ),
}

export const outputAs = (form: { readonly markdown: boolean }): Output => (form.markdown ? markdown : text)
