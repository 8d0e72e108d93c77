/**
 * Runs notebooks (.ipynb, TypeScript cells) on Node and stores what the cells show: `npm run notebook -- notebooks/x.ipynb`.
 *
 * The code cells of a notebook become one module, so imports, types, top-level await and names work across cells as they do in a
 * kernel; the value of a cell's last expression is its output. No kernel, no sockets, no Python: README.md says why.
 */
import { spawn } from 'node:child_process'
import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { stripTypeScriptTypes } from 'node:module'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse } from 'acorn'
import { z } from 'zod'

const text = z.union([z.string(), z.array(z.string())])
const cellSchema = z.discriminatedUnion('cell_type', [
  z.looseObject({ cell_type: z.literal('markdown'), source: text }),
  z.looseObject({ cell_type: z.literal('raw'), source: text }),
  z.looseObject({
    cell_type: z.literal('code'),
    source: text,
    outputs: z.array(z.unknown()),
    execution_count: z.number().nullable(),
  }),
])
const notebookSchema = z.looseObject({
  nbformat: z.literal(4),
  nbformat_minor: z.number(),
  metadata: z.looseObject({}),
  cells: z.array(cellSchema),
})
export type Notebook = z.infer<typeof notebookSchema>
type Output = Record<string, unknown>

/** A cell that can't be read, or that failed: says which cell, which line of it, and why. */
export class CellError extends Error {
  override readonly name = 'CellError'
  /** 1-based, code cells only, as `[1]` beside a cell. */
  readonly cell: number
  constructor(file: string, cell: number, line: number | undefined, what: string) {
    super(`${file}: cell [${cell}]${line === undefined ? '' : `, line ${line}`}: ${what}`)
    this.cell = cell
  }
}

const joined = (source: string | string[]): string => (typeof source === 'string' ? source : source.join(''))
/** As Jupyter stores text: a list of lines. */
const lines = (source: string): string[] => source.match(/[^\n]*\n|[^\n]+$/g) ?? []

export async function readNotebook(file: string): Promise<Notebook> {
  const found = notebookSchema.safeParse(JSON.parse(await readFile(file, 'utf8')))
  if (!found.success) throw new Error(`${file} is no notebook of format 4: ${z.prettifyError(found.error)}`)
  return found.data
}

/** The canonical text of a notebook: as Jupyter writes it. */
export const formatNotebook = (notebook: Notebook): string => `${JSON.stringify(notebook, undefined, 1)}\n`

const RUNTIME = fileURLToPath(new URL('./runtime.ts', import.meta.url))

/** The module that a notebook's cells make, and the first line of each cell in it. */
function moduleOf(notebook: Notebook, file: string): { code: string; starts: number[] } {
  const runtime = relative(dirname(resolve(file)), RUNTIME)
  let code = `import { begin, end, show } from '${runtime.startsWith('.') ? runtime : `./${runtime}`}'\n`
  const starts: number[] = []
  for (const cell of notebook.cells) {
    if (cell.cell_type !== 'code') continue
    const number = starts.length + 1
    const body = withShown(joined(cell.source), file, number)
    code += `begin(${number})\n`
    starts.push(code.split('\n').length)
    code += `${body}\n`
  }
  return { code: `${code}end()\n`, starts }
}

/** Types stripped, and `expression` at the end turned into `await show(expression)`; every line keeps its number. */
function withShown(source: string, file: string, cell: number): string {
  let plain: string
  try {
    // Positions stay: types become blanks.
    plain = stripTypeScriptTypes(source, { mode: 'strip' })
    const last = parse(plain, { ecmaVersion: 'latest', sourceType: 'module' }).body.at(-1)
    if (last?.type !== 'ExpressionStatement') return plain
    const { start, end } = last.expression
    // `(a, b)` and `({…})`: what stands between the statement's and the expression's bounds are brackets and the semicolon.
    const [open, close] = [plain.slice(last.start, start), plain.slice(end, last.end).replace(/;\s*$/, '')]
    return `${plain.slice(0, last.start)};await show(${open}${plain.slice(start, end)}${close})${plain.slice(last.end)}`
  } catch (error) {
    const { message, loc } = error as Error & { loc?: { line: number } }
    throw new CellError(file, cell, loc?.line, message)
  }
}

/** What the running notebook tells: that a cell began, what it shows, why it failed, that all is done. */
interface Told {
  readonly cell: number
  readonly end?: true
  readonly output?: Output
  readonly error?: { name: string; message: string; stack: string }
}

/** Runs a notebook and returns it with its outputs. Rejects with a CellError at the first cell that fails. */
export async function runNotebook(file: string): Promise<Notebook> {
  const notebook = await readNotebook(file)
  const { code, starts } = moduleOf(notebook, file)
  // Beside the notebook, so that its relative imports and its package are its own.
  const module = join(dirname(resolve(file)), `.${basename(file)}.${process.pid}.mjs`)
  await writeFile(module, code)
  const told: Told[] = []
  let exit: { code: number | null; stderr: string }
  try {
    exit = await runModule(module, (one) => told.push(one))
  } finally {
    await rm(module, { force: true })
  }
  const failed = told.find(({ error }) => error !== undefined)
  if (failed !== undefined || exit.code !== 0 || told.at(-1)?.end !== true) {
    // A module that fails to load (an import that does not exist) never began a cell: Node names the line.
    const stack = failed?.error?.stack ?? exit.stderr
    const line = Number(new RegExp(`${basename(module).replaceAll('.', '\\.')}:(\\d+)`).exec(stack)?.[1])
    const at = starts.findLastIndex((start) => start <= line)
    const what =
      failed?.error === undefined
        ? (/^\w*Error.*$/m.exec(stack)?.[0] ?? `the process ended before the notebook did (exit code ${exit.code})`)
        : `${failed.error.name}: ${failed.error.message}`
    throw at >= 0
      ? new CellError(file, at + 1, line - starts[at]! + 1, what)
      : new CellError(file, told.at(-1)?.cell ?? 1, undefined, what)
  }
  return withOutputs(notebook, told)
}

function runModule(module: string, tell: (told: Told) => void): Promise<{ code: number | null; stderr: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--conditions=kreplay-src', module], {
      cwd: dirname(module),
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      serialization: 'advanced',
      env: { ...process.env, NODE_OPTIONS: '' },
    })
    let stderr = ''
    child.stderr!.setEncoding('utf8').on('data', (chunk: string) => {
      stderr += chunk
    })
    child.on('message', tell)
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, stderr }))
  })
}

function withOutputs(notebook: Notebook, told: readonly Told[]): Notebook {
  let number = 0
  return {
    ...notebook,
    cells: notebook.cells.map((cell) => {
      if (cell.cell_type !== 'code') return { ...cell, source: lines(joined(cell.source)) }
      number++
      const outputs = told.flatMap(({ cell: of, output }) => (of === number && output !== undefined ? [output] : []))
      return { ...cell, source: lines(joined(cell.source)), outputs, execution_count: number }
    }),
  }
}

/** Runs notebooks and writes their outputs into them; a file is replaced only when all its cells ran. */
export async function main(files: readonly string[]): Promise<number> {
  if (files.length === 0) {
    process.stderr.write('usage: npm run notebook -- notebooks/x.ipynb …\n')
    return 2
  }
  for (const file of files) {
    try {
      const text = formatNotebook(await runNotebook(file))
      await writeFile(`${file}.partial`, text)
      await rename(`${file}.partial`, file)
      process.stdout.write(`${file}: every cell ran\n`)
    } catch (error) {
      process.stderr.write(`${(error as Error).message}\n`)
      return 1
    }
  }
  return 0
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2))
