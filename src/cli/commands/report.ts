import { defineCommand } from '../command.ts'
import { json, open } from '../options.ts'
import { print, printJson } from '../terminal.ts'

export const report = defineCommand({
  command: 'report <result>',
  describe: 'Renders a saved result again',
  positionals: { result: { type: 'string', demandOption: true, describe: 'What `compare --json` printed' } },
  options: {
    json,
    output: {
      alias: 'o',
      type: 'string',
      demandOption: true,
      describe: 'HTML report; a .md name: as Markdown',
    },
    open,
  },
  examples: [['report result.json -o report.html', 'an HTML report of a comparison made before']],
  handler: async ({ result, output, json, open }) => {
    const { renderResult } = await import('#app')
    const { headline } = await renderResult(result, output)
    if (json) printJson({ schema: 'kreplay.report/1', output, headline })
    else print(`Report: ${output}\n${headline}`)
    if (open) (await import('../open.ts')).openFile(output)
    return 0
  },
})
