import { checkOutput } from '#app'
import { comparisonSchema } from '#metrics'
import { readJson } from '#readers'
import { print, printJson } from '../terminal.ts'
import { type ExitCode, REPORT } from './shared.ts'
import { writeReport } from './write-report.ts'

export async function report({
  input,
  output,
  json,
}: {
  input: string
  output: string
  json: boolean
}): Promise<ExitCode> {
  checkOutput(output, REPORT)
  const comparison = await readJson(input, comparisonSchema, 'Give a result that `kreplay compare --json` printed.')
  await writeReport(comparison, output)
  if (json) printJson({ schema: 'kreplay.report/1', output, headline: comparison.headline })
  else print(`Report: ${output}\n${comparison.headline}`)
  return 0
}
