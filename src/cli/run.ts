import yargs, { type Argv } from 'yargs'
import { version } from '#app'
import { KNOWN_VERSIONS, TraceError, UsageError } from '#kernel'
import { type QuestionName, questions } from './capture/index.ts'
import * as commands from './commands/index.ts'
import { checkCommand, misused } from './misuse.ts'
import { warn } from './terminal.ts'
/** 0 ok, 1 finding failed, 2 usage, 3 bad input. */
export type Exit = 0 | 1 | 2 | 3

const POLICY_FILE = {
  type: 'string',
  array: true,
  default: [] as string[],
  describe: 'A .ts file with policies of your own; runs with your rights',
} as const

const withJson = <T>(argv: Argv<T>) =>
  argv.option('json', { type: 'boolean', default: false, describe: 'Print one JSON object and nothing else' })

/** For commands whose tables go into mails and issues. */
const withTables = <T>(argv: Argv<T>) =>
  argv.option('markdown', {
    type: 'boolean',
    default: false,
    describe: 'Print GitHub Markdown, for mails and issues',
  })

/** For commands that read a capture. */
const withRead = <T>(argv: Argv<T>) =>
  withJson(argv).option('probes', {
    type: 'string',
    describe: 'A JSON file that tells what kprobe events are: docs/probes.md',
  })

/** Options that yargs would make lists of when they are repeated. */
const ONCE = [
  'output',
  'from',
  'to',
  'cpu',
  'at-least',
  'policies',
  'baseline',
  'isolated',
  'prices',
  'for',
  'seconds',
  'jobs',
  'out',
  'html',
  'top',
  'probes',
  'seed',
  'like',
  'release',
]

/** Runs one command line. Errors that users cause are told in a sentence on standard error. */
export async function run(args: readonly string[]): Promise<Exit> {
  let exit: Exit = 0
  const done = (code: Exit) => {
    exit = code
  }
  const cli = yargs([...args])
    .scriptName('kreplay')
    // Messages in one language, whatever LANG says: scripts and tests read them.
    .detectLocale(false)
    .locale('en')
    // `--event NAME OUT`: an option takes one value, and may be given again.
    .parserConfiguration({ 'greedy-arrays': false })
    .usage('$0 <command>\n\nReplays Linux kmem event traces through other allocator and drain policies.')
    .command(
      'demo',
      'The main job on a bundled capture: compare, write a report',
      (argv) =>
        withJson(
          argv.option('output', {
            alias: 'o',
            type: 'string',
            describe: 'Where the report goes; default reports/demo.html',
          }),
        ).example('$0 demo', 'writes reports/demo.html'),
      async ({ json, output }) => done(await commands.demo({ json, output })),
    )
    .command(
      'info <capture>',
      'What is in a capture: kernel, machine, events, losses',
      (argv) =>
        withTables(
          withRead(
            argv
              .positional('capture', {
                type: 'string',
                demandOption: true,
                describe: 'A capture folder or a trace file',
              })
              .option('top', {
                type: 'number',
                default: 10,
                coerce: (top: number) => {
                  if (!Number.isInteger(top) || top < 1) throw new UsageError(`--top ${top} is no number of rows`)
                  return top
                },
                describe: 'Rows of each table; --json has all',
              })
              .option('html', { type: 'string', describe: 'Also write it as a page to this file' }),
          ),
        ).example('$0 info traces/pages-6.1-s', 'pages, lists, fragmentation, slab, RCU; what is lost'),
      async (argv) => done(await commands.info(argv)),
    )
    .command(
      'convert <input> <output>',
      'Any readable trace to .csv, .ndjson, .arrow, .parquet or .dat (trace-cmd’s); .gz or .zst after it compresses',
      (argv) =>
        withRead(
          argv
            .positional('input', { type: 'string', demandOption: true })
            .positional('output', { type: 'string', demandOption: true })
            .option('from', { type: 'number', describe: 'From this second of the trace’s clock' })
            .option('to', { type: 'number', describe: 'Up to, and without, this second' })
            .option('cpu', { type: 'string', describe: 'Only these CPUs, e.g. 0,2-3' })
            .option('event', {
              type: 'string',
              array: true,
              describe: 'Only events of this recorded name; may be given again',
            }),
        ).example('$0 convert traces/pages-6.1-s pages.csv.gz --cpu 0', 'one CPU, compressed'),
      async ({ input, output, from, to, cpu, event, probes, json }) =>
        done(await commands.convert({ input, output, from, to, cpu, event, probes, json })),
    )
    .command(
      'fidelity <capture>',
      'How exactly the recording kernel’s own policy is reproduced',
      (argv) =>
        withTables(
          withRead(
            argv.positional('capture', { type: 'string', demandOption: true }).option('at-least', {
              type: 'string',
              describe:
                'Exit 1 below these scores: refills=0.99,drainBursts=0.98,wrongPages=0.001 (wrongPages: at most)',
            }),
          ),
        ).example('$0 fidelity traces/pages-6.1-s --at-least refills=0.99', 'a check for scripts'),
      async (argv) => done(await commands.fidelity(argv)),
    )
    .command(
      'cross <captures..>',
      'Each capture under each other’s kernel, against what that kernel recorded',
      (argv) =>
        withTables(withJson(argv.positional('captures', { type: 'string', array: true, demandOption: true }))).example(
          '$0 cross traces/pages-5.10-s traces/pages-6.1-s',
          'do the rules of 6.1 predict what 6.1 did?',
        ),
      async (argv) => done(await commands.cross(argv)),
    )
    .command(
      'compare <captures..>',
      'What each policy would have cost on a recorded trace',
      (argv) =>
        withTables(
          withRead(
            argv
              .positional('captures', { type: 'string', array: true, demandOption: true })
              .option('policies', {
                type: 'string',
                demandOption: true,
                describe: 'Ids, comma-separated: `kreplay policies` lists them',
              })
              .option('policy', POLICY_FILE)
              .option('route', {
                type: 'string',
                array: true,
                default: [] as string[],
                describe: 'A JSON file that sends some blocks past the lists, or to others: docs/add-a-policy.md',
              })
              .option('baseline', {
                type: 'string',
                describe: 'Policy that the others are compared with; default the first',
              })
              .option('isolated', {
                type: 'string',
                describe: 'Isolated CPUs, e.g. 3 or 2-3; default from the capture’s command line',
              })
              .option('set', {
                type: 'string',
                array: true,
                default: [] as string[],
                describe: 'PARAM=VALUE for every policy that has it',
              })
              .option('jobs', {
                type: 'number',
                describe: 'Threads that replay at a time, where it is worth it; default one for each core',
              })
              .option('prices', {
                type: 'string',
                describe: 'A JSON file of price lists; default the published machines',
              })
              .option('expect', {
                type: 'string',
                array: true,
                default: [] as string[],
                describe: 'Exit 1 unless it holds, e.g. pcp/trylock:interruptions=0',
              })
              .option('output', {
                alias: 'o',
                type: 'string',
                describe: 'HTML report; a .md name: as Markdown; .json: the result itself',
              }),
          ),
        ).example(
          '$0 compare traces/drain-5.10-s --policies pcp/linux-5.10,pcp/trylock --isolated 3 -o report.html',
          'who interrupts CPU 3?',
        ),
      async (argv) => done(await commands.compare(argv)),
    )
    .command(
      'policies [id]',
      'The catalogue: policies, parameters, units, sources',
      (argv) =>
        withJson(argv.positional('id', { type: 'string' }).option('policy', POLICY_FILE)).example(
          '$0 policies pcp/rcu-swap',
          'source and parameters of one',
        ),
      async ({ id, policy, json }) => done(await commands.policies({ id, policy, json })),
    )
    .command(
      'capture',
      'Prints a shell script that records a capture on any Linux machine',
      (argv) =>
        withJson(
          argv
            .option('for', {
              choices: Object.keys(questions) as QuestionName[],
              default: 'pages' as QuestionName,
              describe: 'The question to record for',
            })
            .option('seconds', {
              type: 'number',
              default: 10,
              describe: 'How long to record; 0: until Enter or Ctrl-C',
            })
            .option('out', { type: 'string', describe: 'Folder to make; default named after question and time' })
            .option('tar', { type: 'boolean', default: false, describe: 'Leave a tarball instead of a folder' })
            .option('here', { type: 'boolean', default: false, describe: 'Run the script on this machine, as root' }),
        ).example('$0 capture --for drain --tar | ssh root@machine sh', 'records another machine, which needs no Node'),
      async ({ for: question, seconds, out, tar, here, json }) =>
        done(await commands.capture({ for: question, seconds, out, tar, here, json })),
    )
    .command(
      'report <result>',
      'Renders a saved result again',
      (argv) =>
        withJson(
          argv
            .positional('result', { type: 'string', demandOption: true, describe: 'What `compare --json` printed' })
            .option('output', {
              alias: 'o',
              type: 'string',
              demandOption: true,
              describe: 'HTML report; a .md name: as Markdown',
            }),
        ).example('$0 report result.json -o report.html', ''),
      async ({ result, output, json }) => done(await commands.report({ input: result, output, json })),
    )
    .command(
      'synth [workload]',
      'Synthetic traces: of a workload, or like a capture',
      (argv) =>
        withRead(
          argv
            .positional('workload', {
              type: 'string',
              describe: 'Which; --list shows them. With --like: fitted to the capture; none: a trace like it',
            })
            .option('output', {
              alias: 'o',
              type: 'string',
              describe: 'A trace file by its extension, as `convert` takes it; any other name: a capture folder',
            })
            .option('list', { type: 'boolean', default: false, describe: 'Show the workloads and their parameters' })
            .option('set', {
              type: 'string',
              array: true,
              default: [] as string[],
              describe: 'PARAM=VALUE of the workload; may be given again',
            })
            .option('seed', { type: 'number', default: 1, describe: 'Equal seeds make equal traces' })
            .option('release', {
              type: 'string',
              describe: `The kernel that records, e.g. 6.1 (the default) or 5.10.223; rules are known of ${KNOWN_VERSIONS.join(', ')}`,
            })
            .option('like', { type: 'string', describe: 'A capture that the trace is to be like' })
            .option('check', {
              type: 'boolean',
              default: false,
              describe: 'With --like: compare the two; exit 1 where they are more than 10 % apart',
            }),
        ).example('$0 synth page-churn -o churn --set crossShare=1', 'a capture folder to replay'),
      async (argv) => done(await commands.synth(argv)),
    )
    .command(
      'completion',
      'Prints a completion script for bash or zsh',
      (argv) =>
        argv
          .example('$0 completion >> ~/.bashrc', 'Tab completes commands, options and files')
          .example('$0 completion >> ~/.zshrc', 'the same for zsh, which SHELL tells'),
      () => {
        cli.showCompletionScript()
      },
    )
    .demandCommand(1, 'Name a command.')
    .strict()
    .check((argv) => {
      const twice = Object.entries(argv).find(([name, value]) => ONCE.includes(name) && Array.isArray(value))
      if (twice !== undefined) throw new UsageError(`--${twice[0]} is given twice`)
      if (argv.json === true && argv.markdown === true) throw new UsageError('--json and --markdown exclude each other')
      const unread = Object.entries(argv).find(([, value]) => Number.isNaN(value))
      if (unread !== undefined) throw new UsageError(`--${unread[0]} is no number`)
      return true
    })
    .version(version)
    .help()
    .alias('help', 'h')
    .wrap(Math.min(120, process.stdout.columns ?? 120))
    .exitProcess(false)
    .fail((message, error, usage) => {
      // The types say that this is all of yargs; it is what its documentation says, and tells the help of the command.
      throw error ?? misused(args, message, (usage as unknown as { help(): string }).help())
    })
  try {
    checkCommand(args[0])
    await cli.parseAsync()
    return exit
  } catch (error) {
    return tell(error)
  }
}

/** One clear message, no stack; a fault of kreplay's own shows where it is. */
function tell(error: unknown): Exit {
  if (error instanceof UsageError || error instanceof TraceError) {
    warn(`kreplay: ${error.message}`)
    return error instanceof UsageError ? 2 : 3
  }
  if (error instanceof Error && error.name === 'YError') {
    warn(`kreplay: ${error.message}`)
    return 2
  }
  throw error
}
