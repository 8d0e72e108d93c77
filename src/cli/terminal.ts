import { rename, rm, writeFile } from 'node:fs/promises'
import { SingleBar } from 'cli-progress'
import Table from 'cli-table3'
import { UsageError } from '#kernel'

/** Names come from traces: nothing of theirs may steer the terminal, nor reorder its text. */
export const clean = (text: string): string =>
  text.replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, (char) => {
    const code = char.charCodeAt(0)
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16)}`
  })

export const print = (text: string): void => {
  process.stdout.write(`${clean(text)}\n`)
}

/** With `--json` this one object is all of standard output. */
export const printJson = (value: unknown): void => {
  process.stdout.write(`${JSON.stringify(value, undefined, 2)}\n`)
}

const NUMBER = /^[−-]?[\d,.]+( %| ms| µs| s)?$|^–$/

/** A table without box noise; columns of numbers are right-aligned. */
export function printTable(head: readonly string[], rows: readonly (readonly string[])[]): void {
  const numeric = head.map((_, at) => rows.length > 0 && rows.every((row) => NUMBER.test(row[at] ?? '–')))
  const blank = {
    top: '',
    'top-mid': '',
    'top-left': '',
    'top-right': '',
    bottom: '',
    'bottom-mid': '',
    'bottom-left': '',
    'bottom-right': '',
    left: '',
    'left-mid': '',
    mid: '',
    'mid-mid': '',
    right: '',
    'right-mid': '',
    middle: '  ',
  }
  const table = new Table({
    head: head.map(clean),
    chars: blank,
    colAligns: numeric.map((right) => (right ? 'right' : 'left')),
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  })
  for (const row of rows) table.push(row.map(clean))
  process.stdout.write(`${table.toString().replaceAll(/ +$/gm, '')}\n`)
}

export const number = (value: number): string => value.toLocaleString('en-US')
/** 100 % is said only of all. */
export const percent = (value: number | undefined): string =>
  value === undefined ? '–' : value === 1 ? '100 %' : `${(Math.floor(value * 1e4) / 100).toFixed(2)} %`

/** A progress bar with ETA on standard error: only on a terminal, only for work over two seconds. */
export function progress(what: string): { update: (done: number, total: number) => void; stop: () => void } {
  if (!process.stderr.isTTY) return { update: () => {}, stop: () => {} }
  const started = Date.now()
  let bar: SingleBar | undefined
  return {
    update: (done, total) => {
      if (bar === undefined && Date.now() - started > 2000) {
        bar = new SingleBar({
          stream: process.stderr,
          format: `${clean(what)} {bar} {percentage} % · {eta_formatted} left`,
          hideCursor: true,
          clearOnComplete: true,
        })
        bar.start(total, done)
      }
      bar?.update(done)
    },
    stop: () => bar?.stop(),
  }
}

const partials = new Set<string>()

/** Writes beside, then renames: a reader never meets half a file, and Ctrl-C leaves none. */
export async function writeWhole(path: string, text: string): Promise<void> {
  const partial = `${path}.partial`
  partials.add(partial)
  try {
    await writeFile(partial, text)
    await rename(partial, path)
  } catch (error) {
    await rm(partial, { force: true })
    throw new UsageError(
      `can't write ${path}: ${(error as Error).message}`,
      'Does the folder exist, and may you write there?',
    )
  } finally {
    partials.delete(partial)
  }
}

/** Turns Ctrl-C into an abort, removes what is half written, and exits as the shell expects. */
export function onInterrupt(): AbortSignal {
  const controller = new AbortController()
  const stop = (signal: 'SIGINT' | 'SIGTERM') => {
    controller.abort()
    void Promise.all([...partials].map((partial) => rm(partial, { force: true }))).finally(() => {
      setTimeout(() => process.exit(signal === 'SIGINT' ? 130 : 143), 50)
    })
  }
  process.once('SIGINT', () => stop('SIGINT'))
  process.once('SIGTERM', () => stop('SIGTERM'))
  return controller.signal
}
