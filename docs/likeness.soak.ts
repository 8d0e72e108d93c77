import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'vitest'
import { likenessPage } from './likeness.ts'
import { expectSame } from './same.ts'

const root = join(import.meta.dirname, '..')

test('docs/likeness.md is what kreplay makes now, of all captures (else: npm run examples)', async () =>
  expectSame(await readFile(join(root, 'docs/likeness.md'), 'utf8'), await likenessPage(root)))
