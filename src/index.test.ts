import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { exportsOf } from '../bench/structure.ts'

test('the library has the names of its golden file, at most 60', async () => {
  const names = exportsOf('src/index.ts').sort()
  expect(names.length).toBeLessThanOrEqual(60)
  await expect(`${names.join('\n')}\n`).toMatchFileSnapshot(join(import.meta.dirname, 'index.golden.txt'))
  // A file that is written when it is missing checks nothing.
  expect((await readFile(join(import.meta.dirname, 'index.golden.txt'), 'utf8')).split('\n')).toContain('readCapture')
})

test('the library loads nothing of the command line, nor what draws charts', async () => {
  const script = `
    import { registerHooks } from 'node:module'
    const loaded = []
    registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) })
    await import('kreplay')
    console.log(JSON.stringify(loaded))`
  const args = ['--conditions=kreplay-src', '--input-type=module', '-e', script]
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: join(import.meta.dirname, '..') })
  const loaded: string[] = JSON.parse(stdout)
  expect(loaded.some((url) => url.includes('src/readers/'))).toBe(true)
  expect(loaded.filter((url) => /node_modules\/(yargs|cli-progress|vega|vega-lite)\/|src\/cli\//.test(url))).toEqual([])
})
