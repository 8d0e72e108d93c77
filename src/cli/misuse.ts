import { UsageError } from '#kernel'
import { didYouMean } from '#policies'

/** For suggestions: the message of yargs' own `recommendCommands` leaves out what was typed. A test compares the list with the help. */
const COMMANDS = [
  'demo',
  'info',
  'convert',
  'fidelity',
  'cross',
  'compare',
  'policies',
  'capture',
  'report',
  'synth',
  'completion',
]

/** @throws UsageError where there is no such command */
export function checkCommand(name: string | undefined): void {
  if (name === undefined || name.startsWith('-') || COMMANDS.includes(name)) return
  const near = didYouMean(name, COMMANDS)
  throw new UsageError(
    `there is no command "${name}"`,
    near.length > 0 ? `did you mean ${near.join(' or ')}?` : `there are ${COMMANDS.join(', ')}`,
  )
}

/** What is wrong with the options or arguments of a command, of which `help` shows the options. */
export function misused(args: readonly string[], message: string, help: string): UsageError {
  const command = args[0] !== undefined && COMMANDS.includes(args[0]) ? args[0] : undefined
  const hint =
    command === undefined
      ? '`kreplay --help` shows the commands, `kreplay COMMAND --help` one of them'
      : `\`kreplay ${command} --help\` shows what it takes`
  const known = [...help.matchAll(/^ +(?:-\w, )?--([a-z][a-z-]*)/gm)].map(([, name]) => name!)
  const given = args.map((arg) => /^--([a-zA-Z][\w-]*)/.exec(arg)?.[1]).filter((name) => name !== undefined)
  // A flag may be turned off by `--no-`; names may be written in camel case.
  const stray = given.find(
    (name) => !known.includes(name.replace(/^no-/, '').replace(/[A-Z]/g, (big) => `-${big.toLowerCase()}`)),
  )
  if (stray !== undefined) {
    const near = didYouMean(stray, known).map((name) => `--${name}`)
    return new UsageError(
      `there is no option --${stray}`,
      near.length > 0 ? `did you mean ${near.join(' or ')}?` : hint,
    )
  }
  const [, option, value, choices] =
    /^Invalid values:\s+Argument: ([\w-]+), Given: "(.*)", Choices: (.*)$/.exec(message) ?? []
  if (option !== undefined) {
    const list = [...choices!.matchAll(/"([^"]*)"/g)].map(([, choice]) => choice!)
    const near = didYouMean(value!, list)
    return new UsageError(
      `--${option} ${value}: it may be ${list.join(', ')}`,
      near.length > 0 ? `did you mean ${near.join(' or ')}?` : hint,
    )
  }
  return new UsageError(message.startsWith('Not enough non-option') ? 'an argument is missing' : message, hint)
}
