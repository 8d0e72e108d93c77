import type { ArgumentsCamelCase, Argv, InferredOptionTypes, Options, PositionalOptions } from 'yargs'

/** 0 done; 1 a check that was asked for did not hold; 2 usage or output; 3 bad input. */
export type Exit = 0 | 1 | 2 | 3

type OptionList = Readonly<Record<string, Options>>
type PositionalList = Readonly<Record<string, PositionalOptions>>

interface Parts<P extends PositionalList, O extends OptionList> {
  /** As yargs takes it: `info <capture>`. */
  readonly command: string
  readonly describe: string
  readonly positionals?: P
  readonly options?: O
  /** Command line without `kreplay`, and what it is good for. */
  readonly examples: readonly (readonly [line: string, what: string])[]
  readonly handler: (argv: ArgumentsCamelCase<InferredOptionTypes<P> & InferredOptionTypes<O>>) => Promise<Exit>
}

/** A yargs command module that knows the names of its options. */
export interface Command {
  readonly name: string
  readonly options: OptionList
  /** Names of the arguments that it needs, in order. */
  readonly needed: readonly string[]
  /** Adds it to a program; `done` hears its exit code. */
  readonly addTo: (program: Argv, done: (exit: Exit) => void) => Argv
}

/** One command of the program, with all that is known of its arguments. */
export function defineCommand<const P extends PositionalList, const O extends OptionList>(parts: Parts<P, O>): Command {
  const { command, describe, handler } = parts
  const positionals: PositionalList = parts.positionals ?? {}
  const options: OptionList = parts.options ?? {}
  const builder = (argv: Argv) => {
    for (const [name, option] of Object.entries(positionals)) argv.positional(name, option)
    argv.options(options)
    for (const [line, what] of parts.examples) argv.example(`$0 ${line}`, what)
    return argv as Argv<InferredOptionTypes<P> & InferredOptionTypes<O>>
  }
  return {
    name: command.split(' ')[0]!,
    options,
    needed: [...command.matchAll(/<(\w+)(?:\.\.)?>/g)].map(([, argument]) => argument!),
    addTo: (program, done) =>
      program.command({ command, describe, builder, handler: async (argv) => done(await handler(argv)) }),
  }
}
