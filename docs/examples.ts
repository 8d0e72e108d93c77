/** `npm run examples`: writes every committed file that kreplay itself makes. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { generated, generatedFromLarge, root } from './generated.ts'

const captures = process.env.KREPLAY_CAPTURES ?? ''
const all = { ...generated, ...(captures === '' ? {} : generatedFromLarge(captures)) }

for (const [path, make] of Object.entries(all)) {
  const file = join(root, path)
  const [before, now] = [await readFile(file, 'utf8').catch(() => undefined), await make()]
  if (before !== now) await writeFile(file, now)
  process.stdout.write(`${path}: ${before === now ? 'as it was' : 'written'}\n`)
}
