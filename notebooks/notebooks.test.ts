import { execFile } from 'node:child_process'
import { globSync } from 'node:fs'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, describe, expect, test, vi } from 'vitest'
import { CellError, formatNotebook, main, type Notebook, readNotebook, runNotebook } from './run.ts'
import { failsWhereBroken } from './testing/broken.ts'

const folder = import.meta.dirname
const notebooks = globSync('*.ipynb', { cwd: folder }).sort()
// Copies lie beside the notebooks: their imports mean the same there.
const scratch = join(folder, `.scratch-${process.pid}.ipynb`)
afterAll(() => rm(scratch, { force: true }))

test('there are seven notebooks, numbered in reading order', () => {
  expect(notebooks.map((name) => name.slice(0, 3))).toEqual(['01-', '02-', '03-', '04-', '05-', '06-', '07-'])
})

/** The shortest; `npm run soak` runs all. */
describe.each(['01-look-at-a-capture.ipynb', '04-who-pays-for-unaccepted-memory.ipynb'])('%s', (name) => {
  const file = join(folder, name)

  test('runs, and what is committed is what it shows (else: npm run examples)', async () => {
    expect(formatNotebook(await runNotebook(file))).toBe(await readFile(file, 'utf8'))
  })
})

test('fails when a cell is broken, whichever', () =>
  failsWhereBroken(join(folder, '01-look-at-a-capture.ipynb'), scratch))

test('types hold in every notebook', async () => {
  const config = scratch.replace('.ipynb', '.json')
  const modules = await Promise.all(
    notebooks.map(async (name, at) => {
      const { cells } = await readNotebook(join(folder, name))
      const sources = cells.flatMap((cell) => (cell.cell_type === 'code' ? [[cell.source].flat().join('')] : []))
      const module = scratch.replace('.ipynb', `-${at}.ts`)
      await writeFile(module, `${sources.join('\n')}\nexport {}\n`)
      return module
    }),
  )
  await writeFile(config, JSON.stringify({ extends: '../tsconfig.json', include: [], files: modules }))
  try {
    await promisify(execFile)(join(folder, '../node_modules/.bin/tsc'), ['-p', config]).catch((error) => {
      expect(error.stdout).toBe('')
    })
  } finally {
    await Promise.all([...modules, config].map((path) => rm(path)))
  }
})

const ofCells = (...sources: string[]): Notebook => ({
  nbformat: 4,
  nbformat_minor: 5,
  metadata: {},
  cells: sources.map((source) => ({ cell_type: 'code', source, outputs: [], execution_count: null, metadata: {} })),
})

async function run(...sources: string[]) {
  await writeFile(scratch, formatNotebook(ofCells(...sources)))
  const { cells } = await runNotebook(scratch)
  return cells.map((cell) =>
    cell.cell_type !== 'code' ? [] : (cell.outputs as { text?: string[]; data?: Record<string, string[]> }[]),
  )
}

describe('the executor', () => {
  test('shows the value of a last expression, and what was printed before it', async () => {
    const [first, second, third, fourth, fifth] = await run(
      'const one: number = 1\nconsole.log("said")\none + 1',
      'const two = one + 1 // no value',
      '({ two })',
      'await Promise.resolve("text") // a promise is waited for',
      'undefined',
    )
    expect(first!.map(({ text, data }) => text ?? data!['text/plain'])).toEqual([['said\n'], ['2']])
    expect(second).toEqual([])
    expect(third![0]!.data!['text/plain']).toEqual(['{ two: 2 }'])
    expect(fourth![0]!.data!['text/plain']).toEqual(['text'])
    expect(fifth).toEqual([])
  })

  test('takes an object’s own word for how it looks', async () => {
    const [shown] = await run(`({ [Symbol.for('Jupyter.display')]: () => ({ 'text/html': '<b>1</b>' }) })`)
    expect(shown![0]!.data).toEqual({ 'text/html': ['<b>1</b>'] })
  })

  test.each([
    ['a cell that throws', ['1', 'const a = 1\n\nnull.x'], 'cell [2], line 3: TypeError'],
    [
      'a rejection nobody awaits',
      ['void Promise.reject(new Error("late"))', 'await new Promise((r) => setTimeout(r, 50))'],
      'Error: late',
    ],
    ['no TypeScript', ['1', 'const = 2'], 'cell [2]'],
    ['an import that is not there', ['1', '\nimport { nothing } from "kreplay"'], 'cell [2], line 2: SyntaxError'],
    ['a package that is not there', ['import "no-such-package"'], 'no-such-package'],
    ['a name of no earlier cell', ['later', 'const later = 1'], 'cell [1], line 1: ReferenceError'],
    ['a process that gives up', ['1', 'process.exit(3)'], 'cell [2]: the process ended'],
    ['a process that ends early without a complaint', ['1', 'process.exit(0)'], 'cell [2]: the process ended'],
    ['a promise that never settles', ['1', 'await new Promise(() => {})'], 'cell [2]'],
  ])('fails at %s', async (_what, sources, message) => {
    await writeFile(scratch, formatNotebook(ofCells(...sources)))
    const failure = await runNotebook(scratch).then(
      () => undefined,
      (error: unknown) => error,
    )
    expect(failure).toBeInstanceOf(CellError)
    expect((failure as Error).message).toContain(message)
  })

  test('writes nothing into a notebook that failed', async () => {
    const text = formatNotebook(ofCells('1', 'throw new Error("no")'))
    await writeFile(scratch, text)
    const stderr = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
    expect(await main([scratch])).toBe(1)
    expect(stderr).toHaveBeenCalledWith(expect.stringContaining('cell [2], line 1: Error: no'))
    stderr.mockRestore()
    expect(await readFile(scratch, 'utf8')).toBe(text)
  })

  test('refuses what is no notebook', async () => {
    await writeFile(scratch, '{"cells": 1}')
    await expect(runNotebook(scratch)).rejects.toThrow('no notebook of format 4')
  })
})
