import type { Comparison } from '#app'
import { recordedWaitWords, sparklinesOf } from '#report'
import { matricesOf } from '#report/matrix'
import type { Output } from './output.ts'
import {
  captureTitle,
  deferredTable,
  holdTable,
  lackLines,
  lossTable,
  matrixNotes,
  matrixTable,
  optimumTable,
  rcuscaleLines,
} from './summary.ts'

export function printComparison(comparison: Comparison, out: Output): void {
  for (const sentence of comparison.notModelled ?? []) out.line(sentence)
  // What was found before what it was found by.
  out.line(comparison.headline)
  out.line('')
  for (const capture of comparison.captures) {
    out.heading(captureTitle(comparison, capture))
    for (const matrix of matricesOf(comparison).filter((one) => one.capture === capture.name)) {
      const { head, rows } = matrixTable(matrix)
      out.table(head, rows)
      for (const line of matrixNotes(matrix)) out.line(line)
      const sparks = sparklinesOf(comparison, matrix)
      if (sparks !== undefined) {
        out.line('')
        out.table(['policy', sparks.title], sparks.rows)
      }
    }
    if (comparison.family === 'pcp') {
      const { head, rows } = optimumTable(comparison, capture)
      out.line('\nHow near to the offline optimum of the same capacity:')
      out.table(head, rows)
      const holds = holdTable(comparison, capture)
      if (holds !== undefined) {
        out.line(`\n${holds.title}:`)
        out.table(holds.head, holds.rows)
      }
      if (capture.lockWaits !== undefined) out.line(recordedWaitWords(capture.lockWaits))
      const deferred = deferredTable(capture)
      if (deferred !== undefined) {
        out.line('')
        out.table(deferred.head, deferred.rows)
        out.line(
          'Remote locks: one per work item that another CPU asked for. Deferred: until the CPU’s next event from a task, which is an upper bound.',
        )
      }
    }
    const open = comparison.family === 'pcp' ? lossTable(comparison, capture) : undefined
    if (open !== undefined) {
      out.line('\nIf nothing had been lost (in about 9 of 10 cases):')
      out.table(open.head, open.rows)
    }
    for (const line of rcuscaleLines(comparison, capture)) out.line(line)
    for (const line of lackLines(capture)) out.line(line)
  }
  if (comparison.notes.length > 0) out.line('')
  for (const note of comparison.notes) out.line(note)
}
