import { parseCpuList } from '#kernel'
import { UsageError } from '#kernel/messages'

/** For every command that prints a result. */
export const json = { type: 'boolean', default: false, describe: 'Print one JSON object and nothing else' } as const

/** For commands whose tables go into mails and issues. */
export const markdown = {
  type: 'boolean',
  default: false,
  describe: 'Print GitHub Markdown, for mails and issues',
} as const

/** For commands that read a capture. */
export const probes = {
  type: 'string',
  describe: 'A JSON file that maps your kprobes to fields: docs/probes.md',
} as const

/** Stands for `-` on its way through yargs, which would make an empty text of it. No argument can hold a zero. */
export const DASH = '\0-'
const dashed = (text: string): string => (text === DASH ? '-' : text)

export const capture = {
  type: 'string',
  demandOption: true,
  coerce: dashed,
  describe: 'A capture: a folder, a tarball, a trace file, or - for standard input',
} as const

export const captures = {
  type: 'string',
  demandOption: true,
  array: true,
  coerce: (texts: string[]) => texts.map(dashed),
  describe: 'Captures: folders, tarballs, trace files, or - for standard input',
} as const

export const policyFile = {
  type: 'string',
  array: true,
  default: [] as string[],
  describe: 'A .ts file with policies of your own; runs with your rights',
} as const

export const set = {
  type: 'string',
  array: true,
  default: [] as string[],
} as const

/** A window of a trace, for commands that take one. */
export const span = {
  from: { type: 'number', describe: 'From this second of the trace’s clock' },
  to: { type: 'number', describe: 'Up to, and without, this second' },
} as const

export const open = { type: 'boolean', default: false, describe: 'Open the report in the browser' } as const

/** A whole number of at least 1. */
export const positive = (name: string, what: string) => (value: number | undefined) => {
  if (value !== undefined && (!Number.isInteger(value) || value < 1))
    throw new UsageError(`--${name} ${Number.isNaN(value) ? 'is no number' : `${value} is no number of ${what}`}`)
  return value
}

export function cpuList(option: string, text: string | undefined): number[] | undefined {
  if (text === undefined) return undefined
  const cpus = parseCpuList(text)
  if (cpus === undefined || cpus.length === 0)
    throw new UsageError(`${option} ${text} is no list of CPUs`, `an example: ${option} 0,2-3`)
  return cpus
}
