import type { CrossCell, CrossPair } from '#app'
import { defineCommand } from '../command.ts'
import { captures, json, markdown } from '../options.ts'
import { number, percent, printJson, progressOf } from '../terminal.ts'

export const cross = defineCommand({
  command: 'cross <captures..>',
  describe: 'Each capture under each other’s kernel, against what that kernel recorded',
  positionals: { captures },
  options: { json, markdown },
  examples: [['cross traces/pages-5.10-s traces/pages-6.1-s', 'do the rules of 6.1 predict what 6.1 did?']],
  handler: async ({ captures, json, markdown }) => {
    const [app, { errorOf }, { outputAs }] = await Promise.all([
      import('#app'),
      import('#report'),
      import('../print/output.ts'),
    ])
    const progress = progressOf()
    const found = await app.cross(captures, progress.hear).finally(progress.stop)
    if (json) {
      printJson(found)
      return 0
    }
    const out = outputAs({ markdown })
    for (const sentence of found.notModelled ?? []) out.line(sentence)
    out.table(
      ['replayed', 'rules', 'refilled per 1000 pages', 'drained per 1000 pages', 'error', 'interruptions'],
      found.cells.map((cell) => [
        cell.capture,
        cell.capture === cell.against ? `${cell.rules} (its own)` : cell.rules,
        rateOf(cell, 'refilled'),
        rateOf(cell, 'drained'),
        percent(errorOf(cell)),
        `${number(cell.interruptions.predicted)} for ${number(cell.interruptions.recorded)}`,
      ]),
    )
    out.line(
      `\nMedian error between kernels: ${percent(found.medianError)}; over whole stages: ${percent(found.medianErrorWholeStages)}`,
    )
    const pairs = found.pairs ?? []
    if (pairs.length > 0) {
      out.line('\nBy kernel and setting, repeats pooled, per 1000 pages allocated:')
      out.table(
        ['replayed', 'under', 'measure', 'predicted', 'recorded', 'error', 'repeats differ by', 'with its own demand'],
        pairRows(pairs),
      )
      for (const { from, demand = [] } of pairs)
        if (demand.length > 0)
          out.line(`${from.join(', ')}: demand differs, pages per 1000 allocated: ${demand.join(', ')}`)
      out.line(`\nMedian error over pairs and measures: ${percent(found.medianPairError)}`)
      out.line(
        'With its own demand: the same rules on what tasks asked for in the other recording. The rest of an error is demand, not rules.',
      )
    }
    for (const note of found.notes) out.line(note)
    return 0
  },
})

function rateOf(cell: CrossCell, what: 'refilled' | 'drained'): string {
  const { predicted, recorded, error } = cell[what]
  const off = error === undefined ? '' : ` (${error >= 0 ? '+' : '−'}${(Math.abs(error) * 100).toFixed(1)} %)`
  return `${predicted.toFixed(0)} for ${recorded.toFixed(0)}${off}`
}

const pairRows = (pairs: readonly CrossPair[]): string[][] =>
  pairs.flatMap(({ from, differs, measures }) =>
    Object.entries(measures).map(([id, { predicted, recorded, error, spread, ownDemand }], at) => [
      at === 0 ? from.join(', ') : '',
      at === 0 ? differs.join(', ') : '',
      id,
      predicted.toFixed(1),
      recorded.toFixed(1),
      error === undefined ? '–' : `${error >= 0 ? '+' : '−'}${(Math.abs(error) * 100).toFixed(1)} %`,
      percent(spread),
      ownDemand === undefined ? '–' : ownDemand.toFixed(1),
    ]),
  )
