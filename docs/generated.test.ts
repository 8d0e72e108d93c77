import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { eventSchemas, kindNames } from '#events'
import { comparisonSchema } from '#metrics'
import { compose, renderHtml } from '#report'
import { blockOwnerRows } from './block-owner.ts'
import { generated, generatedFromLarge, LONG, root } from './generated.ts'
import { likenessOfOne } from './likeness.ts'
import { mechanisms } from './mechanisms.ts'
import { expectSame } from './same.ts'

const committed = (path: string) => readFile(join(root, path), 'utf8')

/** `KREPLAY_CAPTURES`: a folder of big captures, where they are at hand. */
const captures = process.env.KREPLAY_CAPTURES ?? ''
const all = { ...generated, ...(captures === '' ? {} : generatedFromLarge(captures)) }

// Notebooks have tests of their own.
test.each(Object.keys(all).filter((path) => !path.endsWith('.ipynb') && !LONG.includes(path)))(
  '%s is what kreplay makes now (else: npm run examples)',
  async (path) => expectSame(await committed(path), await all[path]!()),
)

test('docs/likeness.md says of a capture what kreplay finds now (else: npm run examples)', async () => {
  const [title = '', ...lines] = (await likenessOfOne(join(root, 'traces/pages-5.10-s'))).split('\n')
  const page = (await committed('docs/likeness.md')).split('\n')
  const from = page.indexOf(title)
  expectSame(page.slice(from, from + 1 + lines.length).join('\n'), [title, ...lines].join('\n'))
})

test.each(['pages-7.2-s', 'drain-6.12-s'])(
  'docs/block-owner.md says of %s what kreplay finds now (else: npm run examples)',
  async (capture) => {
    const page = (await committed('docs/block-owner.md')).split('\n')
    const rows = page.filter((line) => line.startsWith(`| ${capture} |`))
    expect(rows).toEqual(await blockOwnerRows(root, capture))
  },
)

test('traces like the captures are within the bounds', async () => {
  const page = await committed('docs/likeness.md')
  expect(page.match(/Outside 10 %: none\./g)).toHaveLength(2)
})

test('the HTML report of the example is small, whole, and has its finding, its matrix and every section', async () => {
  const result = comparisonSchema.parse(JSON.parse(await committed('reports/drain-5.10-s.json')))
  const html = await renderHtml(result)
  expect(Buffer.byteLength(html)).toBeLessThan(1.5e6)
  expect(html.trimEnd().endsWith('</html>')).toBe(true)
  const { parts, matrices } = compose(result)
  for (const { section } of parts) expect(html).toContain(`id="${section.id}"`)
  for (const { rows } of matrices) for (const { name } of rows) expect(html).toContain(name)
  // Markdown gives its sentences paragraphs of their own.
  expect((await committed('reports/drain-5.10-s.md')).replace(/\s+/g, ' ')).toContain(result.headline)
})

test('the page of events names every kind and field', async () => {
  const page = await committed('docs/events.md')
  for (const kind of kindNames) {
    expect(page).toContain(`\n## ${kind}\n`)
    for (const field of Object.keys((eventSchemas[kind] as unknown as { shape: object }).shape))
      if (field !== 'event') expect(page).toContain(`| \`${field}\` |`)
  }
})

test('the report on every mechanism is of the policies that docs/drains.md names, and says how to make it', async () => {
  const report = await committed('reports/drain-5.10.md')
  const command = `kreplay compare drain-5.10 --policies '${mechanisms.join(',')}' --isolated 3`
  expect(report).toContain(command)
  expect(await committed('docs/drains.md')).toContain(`--policies '${mechanisms.join(',')}' --isolated 3`)
})
