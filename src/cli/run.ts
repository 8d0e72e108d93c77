import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import yargs, { type Argv } from 'yargs'
import { TraceError, UsageError } from '#kernel/messages'
import type { Command, Exit } from './command.ts'
import { commands } from './commands/index.ts'
import { completionsFor } from './completions.ts'
import { misused, noCommand } from './misuse.ts'
import { DASH } from './options.ts'
import { onTerminal, printRaw, type Terminal, warnError, widthOf } from './terminal.ts'

const { version } = createRequire(import.meta.url)('../../package.json') as { version: string }

const names = [...commands.map(({ name }) => name), 'completion', 'help']

/** What the completion script that yargs prints calls. */
const COMPLETE = '--get-yargs-completions'

/** Runs one command line. An error that the user can mend becomes a sentence on standard error. */
export const run = (args: readonly string[], on: Terminal = process): Promise<Exit> =>
  onTerminal(on, async () => {
    try {
      return await runCommand(normalised(args).map((arg) => (arg === '-' ? DASH : arg)))
    } catch (error) {
      return exitOf(error)
    }
  })

/** `help` and nothing at all show the help; a capture in the place of a command is compared. */
function normalised(args: readonly string[]): readonly string[] {
  const [first, second] = args
  if (first === undefined) return ['--help']
  if (first === 'help') return second === undefined ? ['--help'] : [second, '--help']
  if (names.includes(first) || (first.startsWith('-') && first !== '-')) return args
  if (first === '-' || existsSync(first)) return ['compare', ...args]
  throw noCommand(first, names)
}

async function runCommand(args: readonly string[]): Promise<Exit> {
  const completed = args[0] === COMPLETE ? await completionsFor(args.slice(1)) : undefined
  if (completed !== undefined) {
    for (const value of completed) printRaw(`${value}\n`)
    return 0
  }
  let exit: Exit = 0
  const program = programOf(args, (code) => {
    exit = code
  })
  let help = ''
  await program.parseAsync([...args], {}, (_error, _argv, output) => {
    help = output
  })
  if (help !== '') printRaw(`${help}\n`)
  return exit
}

function programOf(args: readonly string[], done: (exit: Exit) => void): Argv {
  const command = commands.find(({ name }) => name === args[0])
  const program = yargs()
    .scriptName('kreplay')
    // Messages in one language, whatever LANG says: scripts and tests read them.
    .detectLocale(false)
    .locale('en')
    // `--event NAME OUT`: an option takes one value, and may be given again.
    .parserConfiguration({ 'greedy-arrays': false })
    .usage(
      '$0 <command>\n$0 CAPTURE [-o FILE] [--open]\n\nReplays Linux kmem and rcu event traces through other allocator and drain policies.',
    )
  for (const one of commands) one.addTo(program, done)
  return program
    .completion('completion', 'Prints a completion script for bash or zsh')
    .demandCommand(1, 'Name a command.')
    .strict()
    .check((argv) => checked(argv, command))
    .version(version)
    .help()
    .alias('help', 'h')
    .wrap(Math.min(120, widthOf()))
    .exitProcess(false)
    .fail((message, error) => {
      throw error ?? misused(args, message, command)
    })
}

function checked(argv: Readonly<Record<string, unknown>>, command: Command | undefined): true {
  for (const [name, { array = false, type }] of Object.entries(command?.options ?? {})) {
    if (!array && Array.isArray(argv[name])) throw new UsageError(`--${name} is given twice`)
    if (type === 'number' && Number.isNaN(argv[name])) throw new UsageError(`--${name} is no number`)
    if (argv[name] === '')
      throw new UsageError(`--${name} is empty`, `\`kreplay ${command!.name} --help\` shows what it takes`)
  }
  if (argv.json === true && argv.markdown === true) throw new UsageError('--json and --markdown exclude each other')
  return true
}

/** One clear message, no stack. Anything else is a bug, and shows where it is. */
function exitOf(error: unknown): Exit {
  if (error instanceof TraceError) {
    warnError(error.message)
    return 3
  }
  if (error instanceof UsageError || (error instanceof Error && error.name === 'YError')) {
    warnError(error.message)
    return 2
  }
  throw error
}
