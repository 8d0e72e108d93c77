import { counted, UsageError } from '#kernel/messages'
import { defineCommand } from '../command.ts'
import { capture, cpuList, json, probes } from '../options.ts'
import { printAnonymised } from '../print/anonymised.ts'
import { number, print, printJson, progressOf } from '../terminal.ts'

export const convert = defineCommand({
  command: 'convert <input> [output]',
  describe:
    'Any readable trace to .csv, .ndjson, .arrow, .parquet or .dat (trace-cmd’s); .gz or .zst after it compresses',
  positionals: {
    input: capture,
    output: { type: 'string', describe: 'The file to write; its name decides the format. Not needed with --preview' },
  },
  options: {
    json,
    probes,
    from: { type: 'number', describe: 'From this second of the trace’s clock' },
    to: { type: 'number', describe: 'Up to, and without, this second' },
    cpu: { type: 'string', describe: 'Only these CPUs, e.g. 0,2-3' },
    anonymise: {
      type: 'boolean',
      default: false,
      describe: 'Write a capture folder with stand-ins for names, pids, addresses and page frames; it replays the same',
    },
    preview: { type: 'boolean', default: false, describe: 'With --anonymise: only show what would go out' },
    event: { type: 'string', array: true, describe: 'Only events of this recorded name; may be given again' },
  },
  examples: [
    ['convert traces/pages-6.1-s pages.csv.gz --cpu 0', 'one CPU, compressed'],
    ['convert traces/drain-5.10-s --anonymise --preview', 'what a capture to send to others would say'],
    ['convert traces/drain-5.10-s for-the-list --anonymise', 'writes it'],
  ],
  handler: async ({ input, output, from, to, cpu, event, probes, json, anonymise, preview }) => {
    const cpus = cpuList('--cpu', cpu)
    const app = await import('#app')
    const progress = progressOf()
    if (output === undefined && !preview)
      throw new UsageError('<output> is missing', '`kreplay convert --help` shows what it takes')
    if (preview && !anonymise) throw new UsageError('--preview shows what --anonymise would write', 'give both')
    if (anonymise) {
      if ([from, to, cpus, event].some((one) => one !== undefined))
        throw new UsageError(
          '--anonymise writes a whole capture',
          'cut the trace first: convert --from --to, then --anonymise',
        )
      const done = await app
        .anonymise({ capture: input, output, preview, probes, progress: progress.hear })
        .finally(progress.stop)
      if (json) printJson(done)
      else printAnonymised(done)
      return 0
    }
    const { result, lacksZones } = await app
      .convert({ input, output: output!, from, to, cpus, events: event, probes, progress: progress.hear })
      .finally(progress.stop)
    if (json) {
      printJson(result)
      return 0
    }
    const { written, read, span } = result
    print(`${number(written)} of ${counted(read, 'event')} → ${output}`)
    if (written === 0 && span !== undefined)
      print(`The trace has events from ${span.from.toFixed(6)} to ${span.to.toFixed(6)} s of its clock.`)
    if (lacksZones)
      print('The file has no zones. To replay it, put zoneinfo.before beside it in a folder and name the file trace.*')
    return 0
  },
})
