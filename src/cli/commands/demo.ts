import { defineCommand } from '../command.ts'
import { json, open } from '../options.ts'
import { print, printJson, progressOf } from '../terminal.ts'

export const demo = defineCommand({
  command: 'demo',
  describe: 'Compare five policies on a bundled capture, write an HTML report',
  options: {
    json,
    output: { alias: 'o', type: 'string', describe: 'Where the report goes; default reports/demo.html' },
    open,
  },
  examples: [['demo', 'writes reports/demo.html']],
  handler: async ({ json, output, open }) => {
    const [app, { outputAs }, { printComparison }, { openFile }] = await Promise.all([
      import('#app'),
      import('../print/output.ts'),
      import('../print/comparison.ts'),
      import('../open.ts'),
    ])
    const progress = progressOf()
    let isAnnounced = json
    const done = await app
      .demo(output, (...phase) => {
        // Not before the request was checked.
        if (!isAnnounced)
          print('Replaying drain-5.10-s (a 5.10 kernel under memory pressure, CPU 3 isolated) under 5 policies …')
        isAnnounced = true
        progress.hear(...phase)
      })
      .finally(progress.stop)
    if (json) printJson(done.comparison)
    else {
      printComparison(done.comparison, outputAs({ markdown: false }))
      print(`\nReport: ${done.output}`)
    }
    if (open && done.output !== undefined) openFile(done.output)
    return 0
  },
})
