/**
 * Every committed file that kreplay itself makes: `npm run examples` writes them all, and the tests hold each against a
 * fresh one.
 */
import { globSync } from 'node:fs'
import { join } from 'node:path'
import { compareCaptures, renderMarkdown } from 'kreplay'
import { formatNotebook, runNotebook } from '../notebooks/run.ts'
import { blockOwnerLargePage, blockOwnerPage } from './block-owner.ts'
import { dependenciesPage } from './dependencies.ts'
import { eventsPage } from './events.ts'
import { fidelityLargePage, fidelityPage } from './fidelity.ts'
import { floodPage } from './flood.ts'
import { libraryPage } from './library.ts'
import { likenessPage } from './likeness.ts'
import { mechanismReport } from './mechanisms.ts'
import { pairsPage } from './pairs.ts'
import { rcuscalePage } from './rcuscale.ts'
import { tarballPage } from './tarball.ts'
import { unacceptedPage } from './unaccepted.ts'

export const root = join(import.meta.dirname, '..')

/** Makes a thing at the first call, for all calls. */
const once = <T>(make: () => Promise<T>): (() => Promise<T>) => {
  let made: Promise<T> | undefined
  return () => (made ??= make())
}

/** `npm run demo` in small: the same capture, three of its policies. */
const example = once(() =>
  compareCaptures({
    captures: [join(root, 'traces/drain-5.10-s')],
    policies: ['pcp/linux-5.10', 'pcp/linux-6.1', 'pcp/trylock'],
    isolated: [3],
  }),
)

const kvfree = () =>
  compareCaptures({
    captures: [join(root, 'traces/kvfree-6.1-s')],
    policies: ['kvfree/linux-6.1', 'kvfree/call-rcu', 'kvfree/polled-v2', 'kvfree/linux-6.12'],
  })

const accept = () =>
  compareCaptures({
    captures: [join(root, 'traces/pages-6.1-s')],
    policies: [
      'accept/eager',
      'accept/zone-lock-global',
      'accept/zone-lock-atomic',
      'accept/deferred',
      'accept/watermark',
      'accept/kthread',
    ],
  })

/** Path from the project's root → its text, made now. */
export const generated: Readonly<Record<string, () => Promise<string>>> = {
  'docs/dependencies.md': async () => dependenciesPage(root),
  'docs/events.md': async () => eventsPage(),
  'docs/tarball.txt': async () => tarballPage(root),
  'docs/unaccepted.md': async () => unacceptedPage(),
  'docs/fidelity.md': () => fidelityPage(root),
  'docs/library.md': async () => libraryPage(root),
  'docs/likeness.md': () => likenessPage(root),
  'docs/pairs.md': () => pairsPage(root),
  'docs/flood.md': async () => floodPage(),
  'docs/block-owner.md': () => blockOwnerPage(root),
  'docs/rcuscale.md': () => rcuscalePage(root),
  'reports/drain-5.10-s.md': async () => renderMarkdown(await example()),
  'reports/drain-5.10-s.json': async () => `${JSON.stringify(await example())}\n`,
  'reports/kvfree-6.1-s.md': async () => renderMarkdown(await kvfree()),
  'reports/accept-pages-6.1-s.md': async () => renderMarkdown(await accept()),
  ...Object.fromEntries(
    globSync('notebooks/[!.]*.ipynb', { cwd: root })
      .sort()
      .map((file) => [file, async () => formatNotebook(await runNotebook(join(root, file)))]),
  ),
}

/** Pages that `npm run soak` makes whole; `npm test` makes what they say of one or two captures. */
export const LONG: readonly string[] = ['docs/likeness.md', 'docs/block-owner.md']

/** What only the large captures make; `captures` is where they are at hand. */
export const generatedFromLarge = (captures: string): Readonly<Record<string, () => Promise<string>>> => ({
  'reports/drain-5.10.md': () => mechanismReport(captures),
  'docs/block-owner-large.md': () => blockOwnerLargePage(captures),
  'docs/fidelity-large.md': () => fidelityLargePage(captures),
})
