/**
 * Every committed file that kreplay itself makes: `npm run examples` writes them all, and the tests hold each against a
 * fresh one.
 */
import { globSync } from 'node:fs'
import { join } from 'node:path'
import { compareCaptures, renderHtml, renderMarkdown } from 'kreplay'
import { formatNotebook, runNotebook } from '../notebooks/run.ts'
import { eventsPage } from './events.ts'
import { fidelityPage } from './fidelity.ts'

export const root = join(import.meta.dirname, '..')

/** `npm run demo` in small: the same capture, three of its policies. */
const example = () =>
  compareCaptures({
    captures: [join(root, 'traces/drain-5.10-s')],
    policies: ['pcp/linux-5.10', 'pcp/linux-6.1', 'pcp/trylock'],
    isolated: [3],
  })

/** Path from the project's root → its text, made now. */
export const generated: Readonly<Record<string, () => Promise<string>>> = {
  'docs/events.md': async () => eventsPage(),
  'docs/fidelity.md': () => fidelityPage(root),
  'reports/drain-5.10-s.html': async () => renderHtml(await example()),
  'reports/drain-5.10-s.md': async () => renderMarkdown(await example()),
  'reports/drain-5.10-s.json': async () => `${JSON.stringify(await example())}\n`,
  ...Object.fromEntries(
    globSync('notebooks/[!.]*.ipynb', { cwd: root })
      .sort()
      .map((file) => [file, async () => formatNotebook(await runNotebook(join(root, file)))]),
  ),
}
