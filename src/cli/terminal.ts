import { SingleBar } from 'cli-progress'
import { plainTable } from './table.ts'

/** Control characters but tab and newline, and those that reorder text. */
const STEERING = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g
const hex = (char: string, digits: number): string => char.charCodeAt(0).toString(16).padStart(digits, '0')

/** Names come from traces: nothing of theirs may steer the terminal, nor reorder its text. */
const clean = (text: string): string =>
  text.replaceAll(STEERING, (char) => (char < '\u0100' ? `\\x${hex(char, 2)}` : `\\u${hex(char, 4)}`))

/** A name of a trace within a line: it may not begin a line of its own either. */
const cell = (text: string): string => clean(text.replaceAll('\n', '\\n').replaceAll('\t', '\\t'))

export const print = (text: string): void => {
  process.stdout.write(`${clean(text)}\n`)
}

/** A line on standard error. */
export const warn = (text: string): void => {
  process.stderr.write(`${clean(text)}\n`)
}

/** With `--json` this one object is all of standard output. */
export const printJson = (value: unknown): void => {
  const json = JSON.stringify(value, undefined, 2)
  process.stdout.write(`${json.replaceAll(STEERING, (char) => `\\u${hex(char, 4)}`)}\n`)
}

/** Where the output is no terminal: as wide as the help. `COLUMNS=80` asks for less. */
const UNKNOWN_WIDTH = 120

/** A table no wider than the terminal, where its values allow. */
export function printTable(head: readonly string[], rows: readonly (readonly string[])[]): void {
  const width = process.stdout.columns || Number(process.env.COLUMNS) || UNKNOWN_WIDTH
  process.stdout.write(
    plainTable(
      head.map(cell),
      rows.map((row) => row.map(cell)),
      width,
    ),
  )
}

export const number = (value: number): string => value.toLocaleString('en-US')
/** 100 % is said only of all. */
export const percent = (value: number | undefined): string =>
  value === undefined
    ? '–'
    : value === 1
      ? '100 %'
      : `${(Math.floor(value * 1e4) / 100).toFixed(2).replace('-', '−')} %`

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
          // A narrow terminal cuts the end.
          format: `{bar} {percentage} % · {eta_formatted} left · ${cell(what)}`,
          // Neither a hidden cursor nor a handler of its own to outlive Ctrl-C.
          hideCursor: false,
          // Ctrl-C would leave the terminal without line wrapping.
          linewrap: true,
          gracefulExit: false,
          clearOnComplete: true,
        })
        bar.start(total, done)
      }
      bar?.update(done)
    },
    stop: () => bar?.stop(),
  }
}

/** Shows how far each walk over all batches is, `total` events in all. */
export const shown = <T extends { readonly length: number }>(
  batches: Iterable<T>,
  total: number,
  what: string,
): Iterable<T> => ({
  *[Symbol.iterator]() {
    const bar = progress(what)
    let done = 0
    try {
      for (const batch of batches) {
        yield batch
        done += batch.length
        bar.update(done, total)
      }
    } finally {
      bar.stop()
    }
  },
})
