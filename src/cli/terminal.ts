import { AsyncLocalStorage } from 'node:async_hooks'
import { createRequire } from 'node:module'
import type { SingleBar } from 'cli-progress'
import { cleanJson, cleanText } from '#kernel/messages'
import { plainTable } from './table.ts'

/** A stream that text goes to. */
export interface Sink {
  readonly write: (text: string) => unknown
  readonly isTTY?: boolean | undefined
  readonly columns?: number | undefined
}

/** Where a command's text goes. `process` is one. */
export interface Terminal {
  readonly stdout: Sink
  readonly stderr: Sink
  readonly env: Readonly<Record<string, string | undefined>>
}

const current = new AsyncLocalStorage<Terminal>()

/** The terminal of the command that runs. */
export const terminal = (): Terminal => current.getStore() ?? process

/** Runs a command whose text goes to `on`. */
export const onTerminal = <T>(on: Terminal, run: () => Promise<T>): Promise<T> => current.run(on, run)

/** A name of a trace within a line: it may not begin a line of its own either. */
const cell = (text: string): string => cleanText(text.replaceAll('\n', '\\n').replaceAll('\t', '\\t'))

/** https://no-color.org */
const isColoured = ({ isTTY }: Sink): boolean => {
  const { NO_COLOR = '', TERM } = terminal().env
  return isTTY === true && NO_COLOR === '' && TERM !== 'dumb'
}

const SGR = { bold: [1, 22], red: [31, 39], dim: [2, 22] } as const

const styled = (style: keyof typeof SGR, text: string, sink: Sink): string => {
  const [on, off] = SGR[style]
  return isColoured(sink) ? `\x1b[${on}m${text}\x1b[${off}m` : text
}

/** On a terminal prose is broken between words; a file keeps its lines. */
function wrapped(text: string, { isTTY, columns = 0 }: Sink): string {
  if (isTTY !== true || columns < 20) return text
  return text
    .split('\n')
    .map((line) => wrappedLine(line, columns))
    .join('\n')
}

function wrappedLine(line: string, columns: number): string {
  if (line.length <= columns) return line
  const indent = /^ */.exec(line)![0]
  const lines: string[] = []
  let open = indent
  for (const word of line.trim().split(' ')) {
    if (open.trim() !== '' && open.length + 1 + word.length > columns) {
      lines.push(open)
      open = indent
    }
    open += open.trim() === '' ? word : ` ${word}`
  }
  return [...lines, open].join('\n')
}

/** A line, or several, of prose. */
export const print = (text: string): void => {
  const { stdout } = terminal()
  stdout.write(`${wrapped(cleanText(text), stdout)}\n`)
}

/** A line that heads others. */
export const printHeading = (text: string): void => {
  const { stdout } = terminal()
  stdout.write(`${styled('bold', wrapped(cleanText(text), stdout), stdout)}\n`)
}

/** Text of kreplay's own, as it is. */
export const printRaw = (text: string): void => {
  terminal().stdout.write(text)
}

/** A line on standard error. */
export const warn = (text: string): void => {
  const { stderr } = terminal()
  stderr.write(`${styled('red', wrapped(cleanText(text), stderr), stderr)}\n`)
}

/** What stopped a command. */
export const warnError = (message: string): void => {
  const { stderr } = terminal()
  stderr.write(`${styled('red', 'kreplay:', stderr)} ${cleanText(message)}\n`)
}

/** With `--json` this one object is all of standard output. */
export const printJson = (value: unknown): void => {
  printRaw(`${cleanJson(JSON.stringify(value, undefined, 2))}\n`)
}

/** Where the output is no terminal: as wide as the help. `COLUMNS=80` asks for less. */
const UNKNOWN_WIDTH = 120

/** How wide a table or a help text may be. */
export const widthOf = (): number => {
  const { stdout, env } = terminal()
  return stdout.columns || Number(env.COLUMNS) || UNKNOWN_WIDTH
}

/** A table no wider than the terminal, where its values allow. */
export function printTable(head: readonly string[], rows: readonly (readonly string[])[]): void {
  const { stdout } = terminal()
  stdout.write(
    plainTable(
      head.map(cell),
      rows.map((row) => row.map(cell)),
      widthOf(),
      (text) => styled('bold', text, stdout),
    ),
  )
}

export const number = (value: number): string => value.toLocaleString('en-US')

/** 100 % only where nothing is missing. */
export const percent = (value: number | undefined): string =>
  value === undefined
    ? '–'
    : value === 1
      ? '100 %'
      : `${(Math.floor(value * 1e4) / 100).toFixed(2).replace('-', '−')} %`

/** Phases shorter than this show no bar. */
const SHOWN_AFTER_MS = 1000

/** Progress of the phases of a command, on standard error: only on a terminal. */
export function progressOf(): {
  readonly hear: (phase: string, done: number, total: number) => void
  readonly stop: () => void
} {
  const { stderr } = terminal()
  if (stderr.isTTY !== true) return { hear: () => {}, stop: () => {} }
  const started = Date.now()
  let [phase, bar]: [string, SingleBar | undefined] = ['', undefined]
  const stop = () => {
    bar?.stop()
    bar = undefined
  }
  return {
    hear: (what, done, total) => {
      if (bar === undefined && Date.now() - started > SHOWN_AFTER_MS) {
        bar = newBar()
        bar.start(total, done, { phase: cell(what) })
      } else if (what !== phase) bar?.setTotal(total)
      phase = what
      bar?.update(done, { phase: cell(what) })
    },
    stop,
  }
}

const require = createRequire(import.meta.url)

/** Most commands are over before one is needed, so its code is loaded here. */
function newBar(): SingleBar {
  const progressBars = require('cli-progress') as typeof import('cli-progress')
  return new progressBars.SingleBar({
    stream: process.stderr,
    // A narrow terminal cuts the end.
    format: '{bar} {percentage} % · {eta_formatted} left · {phase}',
    // Neither a hidden cursor nor a handler of its own to outlive Ctrl-C.
    hideCursor: false,
    // Ctrl-C would leave the terminal without line wrapping.
    linewrap: true,
    gracefulExit: false,
    clearOnComplete: true,
  })
}
