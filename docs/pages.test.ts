import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { workloads } from 'kreplay'
import { describe, expect, test } from 'vitest'
import { Clone, follow, patched } from './follow.ts'

describe.each(['add-a-policy', 'add-a-reader', 'add-a-report-section', 'add-a-workload'])('docs/%s.md', (name) => {
  test('its files have types that hold, and its commands print what it says', async () => {
    await using clone = await Clone.make()
    const { files, printed, untrue } = await follow(`docs/${name}.md`, clone, () => true)
    expect(printed.length).toBeGreaterThan(0)
    expect(untrue).toEqual([])
    expect(files.length).toBeGreaterThan(1)
    expect(await clone.typeErrors(files)).toEqual([])
  })
})

test('docs/synth.md: its commands print what it says, and it names every workload', async () => {
  await using clone = await Clone.make()
  const { printed, untrue } = await follow('docs/synth.md', clone, () => true)
  expect(printed.length).toBe(2)
  expect(untrue).toEqual([])
  const page = await readFile(join(import.meta.dirname, 'synth.md'), 'utf8')
  for (const { id } of workloads) expect(page).toContain(`| \`${id}\` |`)
})

test('docs/drains.md: its command runs, and the sections and parameters that it names are there', async () => {
  await using clone = await Clone.make()
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
