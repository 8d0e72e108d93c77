import { defineCommand } from '../command.ts'
import { captures, cpuList, json, markdown, open, policyFile, positive, probes, set, span } from '../options.ts'
import { printJson, progressOf, warn } from '../terminal.ts'

export const compare = defineCommand({
  command: 'compare <captures..>',
  describe: 'What each policy would have cost on a recorded trace; `kreplay CAPTURE` does the same',
  positionals: { captures },
  options: {
    json,
    markdown,
    probes,
    policies: {
      type: 'string',
      describe: 'Ids, comma-separated: `kreplay policies` lists them; default: chosen by what was recorded',
    },
    policy: policyFile,
    route: {
      type: 'string',
      array: true,
      default: [] as string[],
      describe: 'A JSON file that sends some blocks past the lists, or to others: docs/add-a-policy.md',
    },
    baseline: { type: 'string', describe: 'Policy that the others are compared with; default the first' },
    isolated: { type: 'string', describe: 'Isolated CPUs, e.g. 3 or 2-3; default from the capture’s command line' },
    set: { ...set, describe: 'PARAM=VALUE for every policy that has it' },
    ...span,
    jobs: {
      type: 'number',
      coerce: positive('jobs', 'threads'),
      describe: 'Threads that replay at a time, where it is worth it; default one for each core',
    },
    prices: { type: 'string', describe: 'A JSON file of price lists; default the published machines' },
    expect: {
      type: 'string',
      array: true,
      default: [] as string[],
      describe: 'Exit 1 unless it holds, e.g. pcp/trylock:interruptions=0',
    },
    output: {
      alias: 'o',
      type: 'string',
      describe:
        'HTML report; .md: Markdown; .pftrace: for ui.perfetto.dev; .parquet: a table of results; .json: all of the result',
    },
    replay: {
      type: 'boolean',
      default: true,
      describe: 'Carry the engine in an HTML report, so that it can be asked back; --no-replay: a smaller file',
    },
    open,
  },
  examples: [
    [
      'compare traces/drain-5.10-s --policies pcp/linux-5.10,pcp/trylock --isolated 3 -o report.html',
      'the question of the mails',
    ],
    ['compare traces/pages-6.1-s', 'policies chosen by what was recorded'],
  ],
  handler: async (argv) => {
    const isolated = cpuList('--isolated', argv.isolated)
    const [app, { outputAs }, { printComparison }, { openFile, reportFor }] = await Promise.all([
      import('#app'),
      import('../print/output.ts'),
      import('../print/comparison.ts'),
      import('../open.ts'),
    ])
    const progress = progressOf()
    const { comparison, failed, output } = await app
      .compare({
        captures: argv.captures,
        policies: argv.policies === undefined ? undefined : [argv.policies],
        baseline: argv.baseline,
        isolated,
        from: argv.from,
        to: argv.to,
        policyFiles: argv.policy,
        routeFiles: argv.route,
        set: argv.set,
        pricesFile: argv.prices,
        probesFile: argv.probes,
        jobs: argv.jobs,
        expect: argv.expect,
        replay: argv.replay,
        output: argv.output ?? (argv.open ? reportFor(argv.captures) : undefined),
        progress: progress.hear,
      })
      .finally(progress.stop)
    if (argv.json) printJson(comparison)
    else {
      const out = outputAs(argv)
      printComparison(comparison, out)
      if (output !== undefined) out.line(`\nReport: ${output}`)
    }
    for (const failure of failed) warn(`check failed: ${failure}`)
    if (argv.open && output !== undefined) openFile(output)
    return failed.length > 0 ? 1 : 0
  },
})
