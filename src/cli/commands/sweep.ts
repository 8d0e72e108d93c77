import { UsageError } from '#kernel/messages'
import { defineCommand, type Exit } from '../command.ts'
import { json, markdown, positive } from '../options.ts'
import { printJson, progressOf, warn } from '../terminal.ts'

const actions = ['plan', 'run', 'status', 'report', 'schema'] as const

/** So many policies are printed. */
const TOP = 10

export const sweep = defineCommand({
  command: 'sweep <action> [scenario]',
  describe: 'Thousands of what-ifs from a scenario file, on all cores or many machines',
  positionals: {
    action: {
      choices: actions,
      demandOption: true,
      describe:
        'plan: how many runs, how long, how much memory; run: do what is not done yet; status: what is done; report: what was found; schema: JSON Schema of scenarios',
    },
    scenario: { type: 'string', describe: 'A YAML or JSON file: docs/sweep.md' },
  },
  options: {
    json,
    markdown,
    store: { type: 'string', describe: 'Folder of results; default SCENARIO.results beside the scenario' },
    cache: { type: 'string', describe: 'Folder for captures from https:// and s3://; default ~/.cache/kreplay' },
    jobs: { type: 'number', coerce: positive('jobs', 'threads'), describe: 'Threads; default one for each core' },
    memory: {
      type: 'number',
      coerce: positive('memory', 'MiB'),
      describe: 'MiB that captures in work may take; default 60 % of what is free',
    },
    shard: {
      type: 'string',
      describe: 'run: only one part of the runs, e.g. 2/8; for Slurm arrays and Kubernetes jobs',
    },
    queue: {
      type: 'string',
      describe:
        'run, status: postgres://HOST/DATABASE, where workers take the runs from; embedded: a server and workers here',
    },
    retries: {
      type: 'number',
      default: 4,
      describe: 'run --queue: tries of a job after the first, before it is set aside',
    },
    chunk: {
      type: 'number',
      coerce: positive('chunk', 'runs'),
      describe: 'Runs that are done and stored together; default less than a second of work, 64 for --queue',
    },
    csv: { type: 'string', describe: 'run, report: also write every run as CSV' },
    output: { alias: 'o', type: 'string', describe: 'run, report: also write an HTML report' },
  },
  examples: [
    ['sweep plan scenario.yaml', 'runs, time and memory, before anything starts'],
    ['sweep run scenario.yaml -o report.html', 'every run that is not done yet'],
  ],
  handler: async (argv): Promise<Exit> => {
    const { action, scenario } = argv
    const { sweep: app } = await import('#app')
    if (action === 'schema') {
      printJson(await app.schema())
      return 0
    }
    if (scenario === undefined)
      throw new UsageError(`sweep ${action}: name a scenario file`, `an example: kreplay sweep ${action} scenario.yaml`)
    const progress = progressOf()
    const { store, cache, jobs, memory, shard, csv, queue, retries, chunk, output } = argv
    const request = {
      scenario,
      store,
      cache,
      jobs,
      memory,
      shard,
      csv,
      queue,
      retries,
      chunk,
      output,
      onNotice: warn,
      progress: progress.hear,
    }
    const [{ outputAs }, print] = await Promise.all([import('../print/output.ts'), import('../print/sweep.ts')])
    const out = outputAs(argv)
    if (action === 'plan') {
      const estimate = await app.plan(request).finally(progress.stop)
      if (argv.json) printJson(estimate)
      else print.printEstimate(estimate, out)
      return 0
    }
    if (action === 'status') {
      const status = await app.status(request).finally(progress.stop)
      if (argv.json) printJson(status)
      else print.printStatus(status, out)
      return 0
    }
    const result = await (action === 'run' ? app.run(request) : app.read(request)).finally(progress.stop)
    if (argv.json) printJson(result)
    else {
      print.printSweep(await app.summary(result), result, TOP, out)
      if (csv !== undefined) out.line(`Every run: ${csv}`)
      if (output !== undefined) out.line(`Report: ${output}`)
    }
    for (const { capture, policy, error } of result.failed.slice(0, TOP))
      warn(`not done: ${capture}${policy === undefined ? '' : `, ${policy}`}: ${error}`)
    if (result.failed.length > TOP) warn(`and ${result.failed.length - TOP} more`)
    return result.failed.length > 0 ? 1 : 0
  },
})
