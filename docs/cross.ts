import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { crossKernels, crossSchema, readCapture } from 'kreplay'
import { type Cross, errorOf } from '#metrics/cross'
import { markdownTable } from './markdown.ts'

const SMALL = ['pages-5.10-s', 'pages-6.1-s', 'pages-6.12-s', 'pages-7.2-s']

const percent = (value: number | undefined): string => (value === undefined ? '–' : `${(value * 100).toFixed(1)} %`)
const rate = ({ predicted, recorded }: Cross['cells'][number]['refilled']): string =>
  `${predicted.toFixed(0)} for ${recorded.toFixed(0)}`

const medians = ({ medianError, medianErrorWholeStages }: Cross): string =>
  `${percent(medianError)} (over whole stages ${percent(medianErrorWholeStages)})`

const tableOf = ({ cells }: Cross): string =>
  markdownTable(
    ['replayed', 'under the rules of', 'refilled', 'drained', 'error', 'over whole stages'],
    cells.map((cell) => [
      cell.capture,
      cell.capture === cell.against ? `${cell.rules} (its own)` : cell.rules,
      rate(cell.refilled),
      rate(cell.drained),
      percent(errorOf(cell)),
      percent(errorOf(cell.wholeStages)),
    ]),
    [2, 3, 4, 5],
  )

/** Each kernel's capture under each kernel's rules: the small captures now, the large ones as they were last measured. */
export async function crossTables(root: string): Promise<string> {
  const large = crossSchema.parse(JSON.parse(await readFile(join(root, 'docs/cross-large.json'), 'utf8')))
  const small = crossKernels(await Promise.all(SMALL.map((name) => readCapture(join(root, 'traces', name)))))
  return `## One kernel’s trace under another kernel’s rules

The four kernels ran one workload. Here each recording is replayed under each kernel’s rules, and the pages refilled and drained per 1000 pages allocated are held against what the kernel of those rules recorded itself (\`kreplay cross CAPTURE CAPTURE …\`). The
workload’s stages were cut by time, so a faster kernel did more in each: each stage is compared only as far as both kernels came in it, in pages allocated, since lists are filled and emptied once in a stage, however long it is. Over whole stages, in the proportion of the recorded
kernel’s run, the error is the last column. The lists begin as that kernel’s did. Nothing is calibrated here.

The small captures, median error of the 12 cells of two kernels ${medians(small)}:

${tableOf(small)}

The large captures (not in this repository; \`docs/cross-large.json\` is what the command printed), median error ${medians(large)}:

${tableOf(large)}

What goes into or out of 7.2 is furthest off: its run did a third to a half of the others’ work in the same time, so its stages hold few list fills, and its huge pages and large unmaps drive self-tuned lists harder. The small captures have too few bursts (7.2’s has 8) for a rate.
`
}
