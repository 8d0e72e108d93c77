import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Cross, crossKernels, crossSchema, errorOf, readCapture } from 'kreplay'
import { markdownTable } from './markdown.ts'

const SMALL = ['pages-5.10-s', 'pages-6.1-s', 'pages-6.12-s', 'pages-7.2-s']

const percent = (value: number | undefined): string => (value === undefined ? '–' : `${(value * 100).toFixed(1)} %`)
const rate = ({ predicted, recorded }: Cross['cells'][number]['refilled']): string =>
  `${predicted.toFixed(0)} for ${recorded.toFixed(0)}`

const tableOf = ({ cells }: Cross): string =>
  markdownTable(
    ['replayed', 'under the rules of', 'refilled', 'drained', 'error'],
    cells.map((cell) => [
      cell.capture,
      cell.capture === cell.against ? `${cell.rules} (its own)` : cell.rules,
      rate(cell.refilled),
      rate(cell.drained),
      percent(errorOf(cell)),
    ]),
    [2, 3, 4],
  )

/** Each kernel's capture under each kernel's rules: the small captures now, the large ones as they were last measured. */
export async function crossTables(root: string): Promise<string> {
  const large = crossSchema.parse(JSON.parse(await readFile(join(root, 'docs/cross-large.json'), 'utf8')))
  const small = crossKernels(await Promise.all(SMALL.map((name) => readCapture(join(root, 'traces', name)))))
  return `## One kernel’s trace under another kernel’s rules

The four kernels ran one workload. Here each recording is replayed under each kernel’s rules, and the pages refilled and drained per 1000 pages allocated are held against what the kernel of those rules recorded itself (\`kreplay cross CAPTURE CAPTURE …\`). The
workload’s steps were cut by time, so a faster kernel did more in each: steps are weighted as the recorded kernel ran them. The lists begin as that kernel’s did. Nothing is calibrated here.

The small captures, median error of the 12 cells of two kernels ${percent(small.medianError)}:

${tableOf(small)}

The large captures (not in this repository; \`docs/cross-large.json\` is what the command printed), median error ${percent(large.medianError)}:

${tableOf(large)}

5.10, 6.1 and 6.12 predict 5.10 within about 5 %, and 6.12 and 6.1 each other within about 9 %. What goes into or out of 7.2 is up to 40 % off: its run did a third to a half of the others’ work in the same time, so its stages hold few list fills, and its huge pages and large unmaps
drive self-tuned lists harder. The small captures have too few bursts (7.2’s has 8) for a rate.
`
}
