/**
 * `npm run examples`: writes every committed file that kreplay itself makes. A page on which a fidelity score falls is written only with
 * `--because REASON`, which goes into docs/score-changes.md.
 */
import { appendFile, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { generated, generatedFromLarge, root } from './generated.ts'
import { lowered } from './scores.ts'

const { values, positionals } = parseArgs({ options: { because: { type: 'string' } }, allowPositionals: true })
const captures = process.env.KREPLAY_CAPTURES ?? ''
const all = { ...generated, ...(captures === '' ? {} : generatedFromLarge(captures)) }

for (const [path, make] of Object.entries(all)) {
  if (positionals.length > 0 && !positionals.includes(path)) continue
  const file = join(root, path)
  const [before, now] = [await readFile(file, 'utf8').catch(() => undefined), await make()]
  const fell = path.startsWith('docs/fidelity') && before !== undefined ? lowered(before, now) : []
  if (fell.length > 0 && values.because === undefined) {
    process.stderr.write(
      `${path}: not written, since scores fell:\n${fell.map((one) => `  ${one}\n`).join('')}  npm run examples -- --because 'the reason' writes it\n`,
    )
    process.exitCode = 1
    continue
  }
  if (fell.length > 0)
    await appendFile(
      join(root, 'docs/score-changes.md'),
      `\n## ${new Date().toISOString().slice(0, 10)}: ${values.because}\n\n${fell.map((one) => `- ${one}\n`).join('')}`,
    )
  if (before !== now) await writeFile(file, now)
  process.stdout.write(`${path}: ${before === now ? 'unchanged' : 'written'}\n`)
}
