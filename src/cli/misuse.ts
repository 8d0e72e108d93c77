import { didYouMean, UsageError } from '#kernel/messages'

/** A command as far as misuse is explained by it. */
interface Known {
  readonly name: string
  readonly options: Readonly<Record<string, unknown>>
  /** Names of the arguments that it needs, in order. */
  readonly needed: readonly string[]
}

/** Options that every command takes. */
const COMMON = ['help', 'version']

/** What is wrong with a word in the place of a command. */
export function noCommand(name: string, names: readonly string[]): UsageError {
  const near = didYouMean(name, names)
  return new UsageError(
    `there is no command "${name}", nor a capture of that name`,
    near.length > 0 ? `did you mean ${near.join(' or ')}?` : `there are ${names.join(', ')}`,
  )
}

/** What is wrong with the options or arguments of a command, from what yargs says of it. */
export function misused(args: readonly string[], message: string, command: Known | undefined): UsageError {
  const hint =
    command === undefined
      ? '`kreplay --help` shows the commands, `kreplay COMMAND --help` one of them'
      : `\`kreplay ${command.name} --help\` shows what it takes`
  const known = [...COMMON, ...Object.keys(command?.options ?? {})]
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
  const [, letter] = /^Unknown arguments?: ([a-zA-Z])(?:,|$)/.exec(message) ?? []
  if (letter !== undefined && args.some((arg) => /^-[a-zA-Z]/.test(arg) && arg.includes(letter)))
    return new UsageError(`there is no option -${letter}`, hint)
  const [, got] = /^Not enough non-option arguments: got (\d+)/.exec(message) ?? []
  if (got === undefined) return new UsageError(message, hint)
  const name = command?.needed[Number(got)]
  return new UsageError(name === undefined ? 'an argument is missing' : `<${name}> is missing`, hint)
}
