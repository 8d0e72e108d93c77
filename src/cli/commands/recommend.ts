import { defineCommand, type Exit } from '../command.ts'
import { captures, cpuList, json, markdown, policyFile, positive, set } from '../options.ts'
import { printJson, progressOf } from '../terminal.ts'

export const recommend = defineCommand({
  command: 'recommend <captures..>',
  describe: 'The best policy by an objective within hard limits, if any is better by more than the error',
  positionals: { captures },
  options: {
    json,
    markdown,
    objective: { type: 'string', default: 'zoneLockPages', describe: 'What is minimised; "max NAME": maximised' },
    limit: {
      type: 'string',
      array: true,
      default: [] as string[],
      describe: 'What must hold on every capture, e.g. strandedPages<=16384 or interruptions[isolated]=0',
    },
    policies: { type: 'string', describe: 'Ids, comma-separated; default: releases, drain mechanisms, fixed lists' },
    policy: policyFile,
    baseline: { type: 'string', describe: 'Default the recording kernel’s own policy, or the first of --policies' },
    set: { ...set, describe: 'PARAM=VALUES for every policy that has it, e.g. "high=0..1000 step 100" or batch=15,31' },
    isolated: { type: 'string', describe: 'Isolated CPUs, e.g. 3 or 2-3; default from the capture’s command line' },
    prices: { type: 'string', describe: 'Id of a published price list, or a JSON file; default the first published' },
    search: {
      choices: ['grid', 'random', 'halving'] as const,
      default: 'grid' as const,
      describe: 'grid: all; random: --runs of them; halving: all on a part of the capture, the best on the whole',
    },
    runs: { type: 'number', coerce: positive('runs', 'choices'), describe: 'Choices that are drawn; default all' },
    seed: { type: 'number', default: 1, describe: 'Of draws and of intervals' },
    top: {
      type: 'number',
      default: 10,
      coerce: (top: number) => positive('top', 'policies')(top) ?? 10,
      describe: 'Policies that are listed',
    },
    jobs: { type: 'number', coerce: positive('jobs', 'threads'), describe: 'Threads; default one for each core' },
    store: { type: 'string', describe: 'Folder of results, as of `sweep`: runs in it are not repeated' },
    csv: { type: 'string', describe: 'Also write every run as CSV' },
    output: { alias: 'o', type: 'string', describe: 'Also write an HTML report' },
  },
  examples: [
    [
      'recommend traces/drain-5.10-s --objective zoneLockPages --limit "strandedPages<=16384" --limit "interruptions[isolated]=0"',
      'which drain mechanism, on which lists?',
    ],
  ],
  handler: async (argv): Promise<Exit> => {
    const isolated = cpuList('--isolated', argv.isolated)
    const [app, { outputAs }, { printRecommendation }] = await Promise.all([
      import('#app'),
      import('../print/output.ts'),
      import('../print/recommendation.ts'),
    ])
    const progress = progressOf()
    const { captures, objective, policies, baseline, prices, search, runs, seed, top, jobs, store, csv, output } = argv
    const found = await app
      .recommend({
        captures,
        objective,
        limits: argv.limit,
        policies: policies === undefined ? undefined : [policies],
        baseline,
        set: argv.set,
        policyFiles: argv.policy,
        prices,
        isolated,
        search,
        runs,
        seed,
        top,
        jobs,
        store,
        csv,
        output,
        progress: progress.hear,
      })
      .finally(progress.stop)
    if (argv.json) printJson(found)
    else {
      const out = outputAs(argv)
      printRecommendation(found, top, out)
      if (csv !== undefined) out.line(`Every run: ${csv}`)
      if (output !== undefined) out.line(`Report: ${output}`)
    }
    return 0
  },
})
