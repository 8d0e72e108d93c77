import type { MeasuredPrices } from '#app'
import { defineCommand } from '../command.ts'
import { capture, json, markdown } from '../options.ts'
import { number, printJson, progressOf } from '../terminal.ts'

export const prices = defineCommand({
  command: 'prices <capture>',
  describe: 'What zone->lock costs on the recorded machine: a price list of `capture --for prices`',
  positionals: { capture },
  options: {
    json,
    markdown,
    output: { alias: 'o', type: 'string', describe: 'The price list as JSON, for `compare --prices`' },
  },
  examples: [['prices box.tar.zst -o mine.json', 'then: kreplay compare CAPTURE --prices mine.json']],
  handler: async ({ capture, json, markdown, output }) => {
    const [app, { outputAs }] = await Promise.all([import('#app'), import('../print/output.ts')])
    const progress = progressOf()
    const measured = await app.prices(capture, output, progress.hear).finally(progress.stop)
    if (json) {
      printJson(measured)
      return 0
    }
    const out = outputAs({ markdown })
    for (const [name, fit] of [
      ['bulk free', measured.bulkFree],
      ['refill', measured.refill],
    ] as const) {
      if (fit === undefined) continue
      out.line(`One ${name}: ${lineOf(fit)}; ${number(fit.holds)} timed.`)
      out.table(
        ['pages', 'holds', 'median', 'p99', 'off the line'],
        fit.classes.map(({ pages, holds, medianNs, p99Ns, residual }) => [
          pages.toFixed(pages < 10 ? 1 : 0),
          number(holds),
          micros(medianNs),
          p99Ns === undefined ? '–' : micros(p99Ns),
          `${residual < 0 ? '−' : '+'}${Math.abs(100 * residual).toFixed(0)} %`,
        ]),
      )
      out.line('')
    }
    for (const sentence of caveatsOf(measured)) out.line(sentence)
    if (output !== undefined) out.line(`Written: ${output}. Use it: kreplay compare CAPTURE --prices ${output}`)
    return 0
  },
})

const micros = (ns: number): string => `${(ns / 1000).toFixed(2)} µs`

function lineOf({ baseNs, pageNs, baseInterval, pageInterval }: NonNullable<MeasuredPrices['refill']>): string {
  const range = ([from, to]: readonly [number, number], digits: number) =>
    `${from.toFixed(digits)} to ${to.toFixed(digits)}`
  return `${baseNs.toFixed(0)} ns (${range(baseInterval, 0)}) + ${pageNs.toFixed(1)} ns (${range(pageInterval, 1)}) a page`
}

function caveatsOf({ refill, probeNs, recordedWaits, unpaired }: MeasuredPrices): string[] {
  const waits =
    recordedWaits === undefined
      ? 'This kernel records no waits for locks (5.19 and later do): a hold includes what it waited.'
      : `${number(recordedWaits.waits)} of these operations waited for zone->lock, ${micros(recordedWaits.totalNs)} in all; waits are taken off.`
  return [
    ...(refill === undefined
      ? [
          'Refills could not be timed: the price list assumes that they cost as much as bulk frees. Debian’s 6.12 to 7.2 inline rmqueue_bulk() into a function that kprobe events refuse (notrace).',
        ]
      : []),
    probeNs === undefined
      ? 'What a probe costs was not measured: holds include it.'
      : `A probe costs ${probeNs.toFixed(0)} ns (median), taken off each hold.`,
    waits,
    ...(unpaired === 0 ? [] : [`${number(unpaired)} entries or returns have no counterpart and are left out.`]),
  ]
}
