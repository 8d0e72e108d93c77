import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { checkOutput, compareCaptures } from '#app'
import { outputAs } from '../output.ts'
import { print, printJson } from '../terminal.ts'
import { printComparison, signed } from './compare.ts'
import { type ExitCode, REPORT, root } from './shared.ts'
import { writeReport } from './write-report.ts'

const DEMO = 'drain-5.10-s'
const DEMO_POLICIES = ['pcp/linux-5.10', 'pcp/linux-6.1', 'pcp/rcu-swap', 'pcp/trylock', 'pcp/none']

export async function demo({ json, output }: { json: boolean; output: string | undefined }): Promise<ExitCode> {
  const capture = join(root, 'traces', DEMO)
  const path = output ?? join('reports', 'demo.html')
  if (output === undefined) await mkdir(dirname(path), { recursive: true })
  checkOutput(path, REPORT)
  if (!json)
    print(
      `Replaying ${DEMO} (a 5.10 kernel under memory pressure, CPU 3 isolated) under ${DEMO_POLICIES.length} policies …`,
    )
  const comparison = await signed(
    await compareCaptures({ captures: [capture], policies: DEMO_POLICIES, isolated: [3] }),
  )
  await writeReport(comparison, path)
  if (json) printJson(comparison)
  else {
    printComparison(comparison, outputAs({ markdown: false }))
    print(`\nReport: ${path}\n${comparison.headline}`)
  }
  return 0
}
