import { crossKernels } from '#app'
import { UsageError } from '#kernel'
import { type CrossCell, errorOf } from '#metrics'
import { outputAs } from '../output.ts'
import { number, percent, printJson } from '../terminal.ts'
import { type ExitCode, read } from './shared.ts'

export async function cross({
  captures,
  json,
  markdown,
}: {
  captures: readonly string[]
  json: boolean
  markdown: boolean
}): Promise<ExitCode> {
  if (captures.length < 2)
    throw new UsageError('one capture alone cannot be crossed', 'give two or more, of one workload')
  const recordings = []
  for (const path of captures) recordings.push(await read(path, undefined))
  const found = crossKernels(recordings)
  if (json) {
    printJson(found)
    return 0
  }
  const rates = (what: 'refilled' | 'drained') => (cell: CrossCell) => {
    const { predicted, recorded, error } = cell[what]
    const off = error === undefined ? '' : ` (${error >= 0 ? '+' : '−'}${(Math.abs(error) * 100).toFixed(1)} %)`
    return `${predicted.toFixed(0)} for ${recorded.toFixed(0)}${off}`
  }
  const out = outputAs({ markdown })
  out.table(
    ['replayed', 'rules', 'refilled per 1000 pages', 'drained per 1000 pages', 'error', 'interruptions'],
    found.cells.map((cell) => [
      cell.capture,
      cell.capture === cell.against ? `${cell.rules} (its own)` : cell.rules,
      rates('refilled')(cell),
      rates('drained')(cell),
      percent(errorOf(cell)),
      `${number(cell.interruptions.predicted)} for ${number(cell.interruptions.recorded)}`,
    ]),
  )
  out.line(
    `\nMedian error between kernels: ${percent(found.medianError)}; over whole stages: ${percent(found.medianErrorWholeStages)}`,
  )
  for (const note of found.notes) out.line(note)
  return 0
}
