import { defineCommand } from '../command.ts'
import { capture, json, markdown, positive, probes, span } from '../options.ts'
import { printJson, progressOf } from '../terminal.ts'

export const info = defineCommand({
  command: 'info <capture>',
  describe: 'What is in a capture: kernel, machine, events, losses',
  positionals: { capture },
  options: {
    json,
    markdown,
    probes,
    top: {
      type: 'number',
      default: 10,
      coerce: (top: number) => positive('top', 'rows')(top) ?? 10,
      describe: 'Rows of each table; --json has all',
    },
    ...span,
    html: { type: 'string', describe: 'Also write it as a page to this file' },
  },
  examples: [['info traces/pages-6.1-s', 'pages, lists, fragmentation, slab, RCU; what is lost']],
  handler: async ({ capture, json, markdown, probes, top, html, from, to }) => {
    const app = await import('#app')
    const progress = progressOf()
    const read = () => app.info({ capture, probes, from, to, progress: progress.hear }).finally(progress.stop)
    if (json && html === undefined) {
      printJson(await read())
      return 0
    }
    const [{ composeInfo }, { outputAs }, { printPage }] = await Promise.all([
      import('#report'),
      import('../print/output.ts'),
      import('../print/page.ts'),
    ])
    let found: Awaited<ReturnType<typeof read>> | undefined
    const compose = async () => {
      found = await read()
      return composeInfo(found, app.version, top)
    }
    const page = await (html === undefined ? compose() : app.writePage(html, compose))
    if (json) {
      printJson(found)
      return 0
    }
    const out = outputAs({ markdown })
    printPage(page, out)
    if (html !== undefined) out.line(`\nThe same as a page: ${html}`)
    return 0
  },
})
