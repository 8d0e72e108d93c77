import { globSync } from 'node:fs'
import { join } from 'node:path'
import { type LikenessRow, likenessOf, readCapture, synthesiseLike } from 'kreplay'
import { markdownTable } from './markdown.ts'

const SEEDS = [1]

const round = (value: number): string =>
  value >= 100 ? Math.round(value).toLocaleString('en-US') : String(Number(value.toPrecision(3)))
const ratio = ({ ratio: of, checked }: LikenessRow): string =>
  of === undefined ? '–' : Math.abs(of - 1) > 0.1 && checked ? `**${of.toFixed(3)}**` : of.toFixed(3)

/** docs/likeness.md: a trace like each small page capture, against the capture. */
export async function likenessPage(root: string): Promise<string> {
  const captures = globSync('traces/{pages,drain}-*-s', { cwd: root }).sort((a, b) =>
    a.localeCompare(b, 'en', { numeric: true }),
  )
  const parts: string[] = []
  const outside: string[] = []
  for (const path of captures) {
    const capture = await readCapture(join(root, path))
    const found = SEEDS.map((seed) => likenessOf(capture, synthesiseLike(capture, { seed })))
    for (const [at, { outside: those }] of found.entries())
      outside.push(...those.map((what) => `${capture.name}, seed ${SEEDS[at]}: ${what}`))
    const rows = found[0]!.rows.map((row, at) => [
      row.what,
      row.unit,
      round(row.capture),
      ...found.map(({ rows: made }) => ratio(made[at]!)),
      row.checked ? '' : 'not checked',
    ])
    const head = ['', 'unit', 'capture', ...SEEDS.map((seed) => `seed ${seed} ÷ capture`), '']
    parts.push(`## ${capture.name}\n\n${markdownTable(head, rows, [2, 3])}`)
  }
  return `# How like a capture a synthetic trace is

\`kreplay synth --like CAPTURE --check\` prints this for yours; [synth.md](synth.md) says how such a trace is made. Refills and drains are those of the recording kernel’s own policy, replayed on either trace. Checked
measures are to lie within 10 %; an order or a migratetype of less than 1 % of the allocations, and counts of which a capture has few, are shown and not checked.

Outside 10 %: ${outside.length === 0 ? 'none' : `${outside.join('; ')}`}. (A quantile that lies where few pages die moves far for a small share of pages.)

${parts.join('\n\n')}
`
}
