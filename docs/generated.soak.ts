import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'vitest'
import { generated, LONG, root } from './generated.ts'
import { expectSame } from './same.ts'

test.each(LONG)('%s is what kreplay makes now, of all captures (else: npm run examples)', async (path) =>
  expectSame(await readFile(join(root, path), 'utf8'), await generated[path]!()),
)
