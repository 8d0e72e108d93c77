import { defineCommand } from '../command.ts'
import { json } from '../options.ts'
import { print, printJson, printTable } from '../terminal.ts'

export const doctor = defineCommand({
  command: 'doctor',
  describe: 'What this machine has for kreplay and for recording; changes nothing',
  options: { json },
  examples: [['doctor', 'Node, formats, rights to trace, kernel features']],
  handler: async ({ json }) => {
    const found = await (await import('#app')).doctor()
    if (json) {
      printJson(found)
      return 0
    }
    printTable(
      ['', 'state', 'found', 'for'],
      found.checks.map(({ what, state, found, means }) => [what, state, found, means]),
    )
    print(
      `\nReads: ${found.reads.join(', ')}; each also gzipped or zstd-compressed.\nWrites: ${found.writes.join(', ')}.`,
    )
    return 0
  },
})
