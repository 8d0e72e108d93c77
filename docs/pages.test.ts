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

test('a change whose place is gone or not clear is refused', () => {
  expect(patched('a = [1, 2]\n', '+first\n@@\n-a = […\n+a = [0, …\n', 'x')).toBe('first\na = [0, 1, 2]\n')
  expect(() => patched('b\n', '-a\n+c\n', 'x')).toThrow('0 times')
  expect(() => patched('a\na\n', '-a\n+c\n', 'x')).toThrow('2 times')
})
