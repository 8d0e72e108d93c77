import type { Likeness, Synthesis } from '#app'
import { KNOWN_VERSIONS } from '#kernel'
import { counted } from '#kernel/messages'
import { defineCommand } from '../command.ts'
import { json, probes, set } from '../options.ts'
import { number, print, printJson, printTable, progressOf, warn } from '../terminal.ts'

export const synth = defineCommand({
  command: 'synth [workload]',
  describe: 'Synthetic traces: of a workload, or like a capture',
  positionals: {
    workload: {
      type: 'string',
      describe: 'Which; --list shows them. With --like: fitted to the capture; none: a trace like it',
    },
  },
  options: {
    json,
    probes,
    output: {
      alias: 'o',
      type: 'string',
      describe: 'A trace file by its extension, as `convert` takes it; any other name: a capture folder',
    },
    list: { type: 'boolean', default: false, describe: 'Show the workloads and their parameters' },
    set: { ...set, describe: 'PARAM=VALUE of the workload; may be given again' },
    seed: { type: 'number', default: 1, describe: 'Equal seeds make equal traces' },
    release: {
      type: 'string',
      describe: `The kernel that records, e.g. 6.1 (the default) or 5.10.223; rules are known of ${KNOWN_VERSIONS.join(', ')}`,
    },
    like: { type: 'string', describe: 'A capture that the trace is to be like' },
    check: {
      type: 'boolean',
      default: false,
      describe: 'With --like: compare the two; exit 1 where they are more than 10 % apart',
    },
  },
  examples: [['synth page-churn -o churn --set crossShare=1', 'a capture folder to replay']],
  handler: async (argv) => {
    if (argv.list) return await list(argv.json)
    const app = await import('#app')
    const progress = progressOf()
    const made = await app.synth({ ...argv, progress: progress.hear }).finally(progress.stop)
    if (argv.json) printJson(jsonOf(made))
    else printMade(made)
    const likeness = made.kind === 'trace' ? made.likeness : undefined
    if (likeness === undefined) return 0
    if (!argv.json) printLikeness(likeness)
    for (const what of likeness.outside) warn(`check failed: ${what} is more than ${likeness.bound * 100} % off`)
    return likeness.outside.length > 0 ? 1 : 0
  },
})

function jsonOf(made: Synthesis): object {
  const { workload, seed, output } = made
  if (made.kind === 'scenario') return { schema: 'kreplay.synthesis/1', workload, seed, output }
  const { release, events, likeness } = made
  if (output === undefined) return { ...likeness, seed }
  return {
    schema: 'kreplay.synthesis/1',
    workload,
    seed,
    kernel: release?.text,
    rules: release?.rules,
    output,
    events,
    ...(likeness === undefined ? {} : { likeness }),
  }
}

function printMade(made: Synthesis): void {
  const { workload, output } = made
  if (output === undefined) return
  if (made.kind === 'scenario') {
    print(`${workload} → ${output}\n\`kreplay compare ${output} --policies kvfree/linux-6.1,kvfree/polled-v2\` runs it`)
    return
  }
  const { release, events, bare } = made
  const total = Object.values(events).reduce((sum, count) => sum + count, 0)
  print(`${workload}, Linux ${release?.text ?? 'unknown'}: ${counted(total, 'event')} → ${output}`)
  if (release?.exact === false)
    print(
      `Recorded by the rules of ${release.rules}, the last known before ${release.text}. Known rules: ${KNOWN_VERSIONS.join(', ')}.`,
    )
  if (bare) print('The file has no zones; give a folder’s name to write them beside the trace.')
}

function printLikeness({ capture, rows }: Likeness): void {
  const round = (value: number) => (Math.abs(value) >= 100 ? number(Math.round(value)) : value.toPrecision(3))
  printTable(
    ['', 'unit', capture, 'synthetic', 'ratio', ''],
    rows.map(({ what, unit, capture: before, synthetic, ratio, checked }) => [
      what,
      unit,
      round(before),
      round(synthetic),
      ratio === undefined ? '–' : ratio.toFixed(3),
      checked ? '' : 'not checked',
    ]),
  )
}

async function list(asJson: boolean): Promise<0> {
  const [{ workloadList }, { printParameters }] = await Promise.all([import('#app'), import('../print/parameters.ts')])
  const all = await workloadList()
  if (asJson) {
    printJson({ schema: 'kreplay.workloads/1', workloads: all })
    return 0
  }
  for (const { id, title, source, leavesOut, parameters } of all) {
    print(`${id}: ${title}\n  source: ${source}\n  leaves out: ${leavesOut}`)
    printParameters(parameters, 'as the capture')
    print('')
  }
  return 0
}
