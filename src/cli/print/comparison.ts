import type { Comparison } from '#app'
import type { Output } from './output.ts'
import { captureTitle, lackLines, rcuscaleLines, summaryOf } from './summary.ts'

export function printComparison(comparison: Comparison, out: Output): void {
  for (const capture of comparison.captures) {
    out.heading(captureTitle(comparison, capture))
    const { head, rows } = summaryOf(comparison, capture)
    out.table(head, rows)
    for (const line of rcuscaleLines(comparison, capture)) out.line(line)
    for (const line of lackLines(capture)) out.line(line)
  }
  if (comparison.notes.length > 0) out.line('')
  for (const note of comparison.notes) out.line(note)
}
