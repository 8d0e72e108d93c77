import { headingOf, type Page, writerOf } from '#report'
import { print, printTable } from '../terminal.ts'

/** A page without charts, as text. */
export function printPage({ parts }: Page): void {
  for (const { section, paragraphs, tables } of parts) {
    print(`\n${section.question}`)
    for (const paragraph of paragraphs) print(`  ${paragraph}`)
    for (const table of tables) {
      const write = table.columns.map((_, at) => writerOf(table, at))
      print(`\n${table.caption}`)
      printTable(
        table.columns.map(headingOf),
        table.rows.map((row) => row.map((cell, at) => write[at]!(cell))),
      )
    }
  }
}
