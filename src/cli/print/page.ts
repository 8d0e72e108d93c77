import { headingOf, type Page, writerOf } from '#report'
import type { Output } from './output.ts'

/** A page without charts. */
export function printPage({ notModelled, title, parts }: Page, out: Output): void {
  for (const sentence of notModelled) out.line(sentence)
  out.title(title)
  for (const { section, paragraphs, tables } of parts) {
    out.heading(section.question)
    for (const paragraph of paragraphs) out.line(`  ${paragraph}`)
    for (const table of tables) {
      const write = table.columns.map((_, at) => writerOf(table, at))
      out.line(`\n${table.caption}`)
      out.table(
        table.columns.map(headingOf),
        table.rows.map((row) => row.map((cell, at) => write[at]!(cell))),
      )
    }
  }
}
