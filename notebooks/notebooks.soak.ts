import { globSync } from 'node:fs'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { formatNotebook, runNotebook } from './run.ts'
import { failsWhereBroken } from './testing/broken.ts'

const folder = import.meta.dirname
const scratch = join(folder, `.scratch-${process.pid}.ipynb`)
afterAll(() => rm(scratch, { force: true }))

describe.each(globSync('0*.ipynb', { cwd: folder }).sort())('%s', (name) => {
  const file = join(folder, name)

  test('runs, and what is committed is what it shows (else: npm run examples)', async () => {
    expect(formatNotebook(await runNotebook(file))).toBe(await readFile(file, 'utf8'))
  })

  test('fails when a cell is broken, whichever', () => failsWhereBroken(file, scratch))
})
