import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '..')
const rows = [
  ...readFileSync(join(root, 'docs/invariants.md'), 'utf8').matchAll(/^\| ([^|]+) \|[^|]+\| `([^`]+)`: ([^|]+) \|$/gm),
]

test('there is an invariant in each row', () => {
  expect(rows.length).toBeGreaterThan(15)
})

test.each(rows.map(([, name, file, title]) => [name!, file!, title!]))(
  '%s is held by a test that is there',
  (_, file, title) => {
    expect(existsSync(join(root, file))).toBe(true)
    const titles = readFileSync(join(root, file), 'utf8')
      .split('\n')
      .filter((line) => /\b(test|describe|it)\b/.test(line))
    expect(titles.filter((line) => line.includes(title))).not.toEqual([])
  },
)
