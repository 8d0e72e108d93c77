import { join } from 'node:path'
import { expect, test } from 'vitest'
import { libraryNames } from './library.ts'

test('every name of the library says what it is for, and functions what they take and give', () => {
  const names = libraryNames(join(import.meta.dirname, '..')).flatMap((group) => group.names)
  expect(names.length).toBeGreaterThan(50)
  expect(names.filter(({ doc }) => doc.length < 12).map(({ name }) => name)).toEqual([])
  for (const { kind, signature } of names)
    if (kind.startsWith('function')) expect(signature).toMatch(/^(async )?function\*? \w+(<[^(]*>)?\(.*\)/)
})
