import { defineCommand } from '../command.ts'
import { capture, json, markdown, probes, span } from '../options.ts'
import { printJson, progressOf, warn } from '../terminal.ts'

export const fidelity = defineCommand({
  command: 'fidelity <capture>',
  describe: 'How exactly the recording kernel’s own policy is reproduced',
  positionals: { capture },
  options: {
    json,
    markdown,
    probes,
    ...span,
    'at-least': {
      type: 'string',
      describe: 'Exit 1 below these scores: refills=0.99,drainBursts=0.98,wrongPages=0.001 (wrongPages: at most)',
    },
  },
  examples: [['fidelity traces/pages-6.1-s --at-least refills=0.99', 'a check for scripts']],
  handler: async ({ capture, json, markdown, probes, atLeast, from, to }) => {
    const app = await import('#app')
    const progress = progressOf()
    const { found, failed } = await app
      .fidelity({ capture, probes, atLeast, from, to, progress: progress.hear })
      .finally(progress.stop)
    if (json) printJson(found)
    else {
      const [{ printFidelity }, { outputAs }] = await Promise.all([
        import('../print/fidelity.ts'),
        import('../print/output.ts'),
      ])
      printFidelity(found, outputAs({ markdown }))
    }
    for (const failure of failed) warn(`check failed: ${failure}`)
    return failed.length > 0 ? 1 : 0
  },
})
