import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Clone, follow, patched } from './follow.ts'
import { HOW_TO } from './how-to.ts'
import { blocksOf } from './markdown.ts'

const FIX = 'npm run -s fix'

test('the pages on how to add something, followed to the letter one after the other: commands print what they say, types and style hold, tables name what is new', {
  timeout: 600_000,
}, async () => {
  await using clone = await Clone.make()
  const files: string[] = []
  for (const name of HOW_TO) {
    // Once for all pages: `npm run soak` follows each by itself.
    const page = await follow(`docs/${name}.md`, clone, (line) => line !== FIX)
    expect({ name, untrue: page.untrue }).toEqual({ name, untrue: [] })
    expect(page.printed.length).toBeGreaterThan(0)
    expect(page.files.length).toBeGreaterThan(1)
    files.push(...page.files)
  }
  await clone.shell(FIX)
  const snippets = blocksOf(await readFile(join(clone.folder, 'README.md'), 'utf8')).filter(
    ({ language }) => language === 'ts',
  )
  expect(snippets.length).toBe(2)
  const named = await Promise.all(
    snippets.map(async ({ text }, at) => {
      await writeFile(join(clone.folder, `snippet-${at}.ts`), text)
      return `snippet-${at}.ts`
    }),
  )
  // One run of the compiler for all, README's snippets among them.
  expect(await clone.typeErrors([...files, ...named])).toEqual([])
  expect(await clone.styleErrors(files)).toBe('')
  for (const [page, name] of [
    ['README.md', '`pcp/drain-to-half`'],
    ['README.md', '`pcp/linux-7.3`, `pcp/linux-9.9`'],
    ['README.md', 'page log'],
    ['docs/synth.md', '`ping-pong`'],
  ] as const)
    expect(await readFile(join(clone.folder, page), 'utf8')).toContain(`| ${name} |`)
})

test('docs/synth.md: its commands print what it says', async () => {
  await using clone = await Clone.linked()
  const { printed, untrue } = await follow('docs/synth.md', clone, () => true)
  expect(printed.length).toBe(2)
  expect(untrue).toEqual([])
})

test('docs/drains.md: its command runs, and the sections and parameters that it names are there', async () => {
  await using clone = await Clone.linked()
  const { printed } = await follow('docs/drains.md', clone, () => true)
  const [output] = printed
  expect(output).toContain('reports/mechanisms.html')
  const page = await readFile(join(import.meta.dirname, 'drains.md'), 'utf8')
  const report = await readFile(join(import.meta.dirname, '../reports/drain-5.10.md'), 'utf8')
  const sections = [...page.matchAll(/\*([A-Z][^*]*?)(?: …)?\*(?=[:,; |])/g)].map(([, name = '']) => name)
  expect(sections.length).toBeGreaterThan(6)
  for (const name of sections) expect(report).toContain(`## ${name}`)
})

test('a change whose place is gone or not clear is refused', () => {
  expect(patched('a = [1, 2]\n', '+first\n@@\n-a = […\n+a = [0, …\n', 'x')).toBe('first\na = [0, 1, 2]\n')
  expect(() => patched('b\n', '-a\n+c\n', 'x')).toThrow('0 times')
  expect(() => patched('a\na\n', '-a\n+c\n', 'x')).toThrow('2 times')
})
