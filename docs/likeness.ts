/** `node --conditions=kreplay-src docs/likeness.ts CAPTURE…`: measures captures for the page’s summary, by three seeds. */
import { globSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { readCapture, synthesiseLike } from 'kreplay'
import { z } from 'zod'
import { markdownTable } from './markdown.ts'

const SEEDS = [1, 2, 3]

const rowSchema = z.object({
  what: z.string(),
  unit: z.string(),
  capture: z.number(),
  /** By seed; null where the capture has none of it. */
  ratios: z.array(z.number().nullable()),
  checked: z.boolean(),
})
const measuredSchema = z.object({
  date: z.string(),
  capture: z.string(),
  rows: z.array(rowSchema),
  /** By seed: what was outside the bound in each draw. */
  draws: z.array(z.array(z.array(z.string()))),
})
type Measured = z.infer<typeof measuredSchema>
const summarySchema = z.array(measuredSchema)

async function measured(path: string, seeds: readonly number[]): Promise<Measured> {
  const capture = await readCapture(path)
  const made = seeds.map((seed) => {
    const { likeness, draws } = synthesiseLike(capture, { seed })
    return { likeness, draws }
  })
  return {
    date: new Date().toISOString().slice(0, 10),
    capture: basename(path),
    rows: made[0]!.likeness.rows.map(({ what, unit, capture: value, checked }, at) => ({
      what,
      unit,
      capture: value,
      ratios: made.map(({ likeness }) => likeness.rows[at]!.ratio ?? null),
      checked,
    })),
    draws: made.map(({ draws }) => draws.map((outside) => [...outside])),
  }
}

const round = (value: number): string =>
  value >= 100 ? Math.round(value).toLocaleString('en-US') : String(Number(value.toPrecision(3)))
const isOutside = (ratio: number): boolean => Math.abs(ratio - 1) > 0.1
const ratio = (of: number | null, checked: boolean): string =>
  of === null ? '–' : isOutside(of) && checked ? `**${of.toFixed(3)}**` : of.toFixed(3)

/** The measures that are outside, by capture and seed. */
const outsideOf = (all: readonly Measured[]): string => {
  const found = all.flatMap(({ capture, rows }) =>
    rows.flatMap(({ what, ratios, checked }) =>
      ratios.flatMap((of, at) =>
        checked && of !== null && isOutside(of) ? [`${capture}, seed ${SEEDS[at]}: ${what}`] : [],
      ),
    ),
  )
  return found.length === 0 ? 'none' : found.join('; ')
}

/** One line a capture: the checked measure that is farthest off, the draws, and what the first draw had outside. */
const summary = (all: readonly Measured[]): string =>
  markdownTable(
    ['capture', ...SEEDS.map((seed) => `farthest off, seed ${seed}`), 'draws', 'outside in a first draw'],
    all.map(({ capture, rows, draws }) => [
      capture,
      ...SEEDS.map((_, at) => {
        const off = (row: (typeof rows)[number]) =>
          row.checked && row.ratios[at] !== null ? Math.abs(row.ratios[at]! - 1) : 0
        const worst = rows.reduce((a, b) => (off(b) > off(a) ? b : a))
        return `${worst.what}: ${ratio(worst.ratios[at]!, true)}`
      }),
      draws.map((of) => of.length).join(', '),
      [...new Set(draws.flatMap(([first]) => first!))].join('; ') || '–',
    ]),
    [],
  )

const ratiosOf = (rows: Measured['rows']) => rows[0]?.ratios ?? []

const table = ({ capture, rows }: Measured): string =>
  `## ${capture}\n\n${markdownTable(
    ['', 'unit', 'capture', ...ratiosOf(rows).map((_, at) => `seed ${SEEDS[at]} ÷ capture`), ''],
    rows.map(({ what, unit, capture: value, ratios, checked }) => [
      what,
      unit,
      round(value),
      ...ratios.map((of) => ratio(of, checked)),
      checked ? '' : 'not checked',
    ]),
    [2, 3],
  )}`

const byName = (a: string, b: string): number => a.localeCompare(b, 'en', { numeric: true })
const summaryFile = (root: string): string => join(root, 'docs/likeness-seeds.json')
const readSummary = async (root: string): Promise<Measured[]> =>
  summarySchema.parse(JSON.parse(await readFile(summaryFile(root), 'utf8')))

/** What docs/likeness.md says of one capture. */
export const likenessOfOne = async (path: string): Promise<string> => table(await measured(path, [1]))

/** docs/likeness.md: a trace like each small page capture now, and like all captures as last measured. */
export async function likenessPage(root: string): Promise<string> {
  const small: Measured[] = []
  for (const path of globSync('traces/{pages,drain}-*-s', { cwd: root }).sort(byName))
    small.push(await measured(join(root, path), [1]))
  const all = await readSummary(root)
  const dates = [...new Set(all.map(({ date }) => date))].sort()
  return `# How like a capture a synthetic trace is

\`kreplay synth --like CAPTURE --check\` prints this for yours; [synth.md](synth.md) says how such a trace is made. Refills and drains are those of the recording kernel’s own policy, replayed on either trace. Checked
measures are to lie within 10 %; an order or a migratetype of less than 1 % of the allocations, and counts of which a capture has few, are shown and not checked.

A trace is drawn again until all checked measures are within it, 20 times at most (\`--set draws=1\`: once). Kernels since 6.8 give back up to 2016 pages at once, in a short capture of 12 thousand in all, so that one burst more or less is over 10 %, and no single draw is
sure to be nearer. What holds here is that such traces can be drawn, not that each draw is one: the last column names what was outside in first draws.

## All captures, three seeds

Measured on ${dates.join(' and ')} by \`node --conditions=kreplay-src docs/likeness.ts CAPTURE…\` on the captures of this repository (\`…-s\`) and the longer ones of the same kernels, which are not in it (\`docs/likeness-seeds.json\` holds every row). A cell has the checked measure that is
farthest off, synthetic ÷ capture. Outside 10 %: ${outsideOf(all)}.

${summary(all)}

The rest of this page is regenerated with each change, with seed 1. Outside 10 %: ${outsideOf(small)}.

${small.map(table).join('\n\n')}
`
}

if (import.meta.main) {
  const root = join(import.meta.dirname, '..')
  const found: Measured[] = []
  for (const path of process.argv.slice(2)) found.push(await measured(path, SEEDS))
  const others = (await readSummary(root)).filter(({ capture }) => !found.some((one) => one.capture === capture))
  const all = [...others, ...found].sort((a, b) => byName(a.capture, b.capture))
  await writeFile(summaryFile(root), `${JSON.stringify(all)}\n`)
}
