import { defineCommand } from '../command.ts'
import { capture, cpuList, json, open } from '../options.ts'
import { print, printJson, progressOf } from '../terminal.ts'

export const explore = defineCommand({
  command: 'explore <capture>',
  describe: 'The report of a whole capture on this machine’s loopback address, with live what-ifs, until Ctrl-C',
  positionals: { capture },
  options: {
    json,
    policies: { type: 'string', describe: 'Ids, comma-separated; default: chosen by what was recorded' },
    isolated: { type: 'string', describe: 'Isolated CPUs, e.g. 3 or 2-3; default from the capture’s command line' },
    port: { type: 'number', default: 0, describe: 'Port; default any that is free' },
    open,
  },
  examples: [['explore traces/drain-5.10-s --open', 'ask it in the browser']],
  handler: async (argv) => {
    const isolated = cpuList('--isolated', argv.isolated)
    const [app, { openFile }] = await Promise.all([import('#app'), import('../open.ts')])
    const progress = progressOf()
    const server = await app
      .explore({
        capture: argv.capture,
        policies: argv.policies === undefined ? undefined : [argv.policies],
        isolated,
        port: argv.port,
        progress: progress.hear,
      })
      .finally(progress.stop)
    if (argv.json) printJson({ schema: 'kreplay.explore/1', address: server.address })
    else print(`${server.address}\nOnly programs of this machine that know the address reach it. Ctrl-C ends it.`)
    if (argv.open) openFile(server.address)
    await new Promise<void>((resolve) => {
      process.once('SIGINT', () => resolve())
      process.once('SIGTERM', () => resolve())
    })
    await server.close()
    return 0
  },
})
