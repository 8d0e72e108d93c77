import { UsageError } from '#kernel'
import { type Fidelity, scoreOf } from '#metrics'
import { analyse } from '../analyse.ts'
import { number, percent, print, printJson, printTable, warn } from '../terminal.ts'
import { type ExitCode, read } from './shared.ts'

/** `"refills=0.99,wrongPages=0.001"`: scores at least, `wrongPages` at most. */
function parseBounds(text: string): [name: string, bound: number][] {
  return text.split(',').map((part) => {
    const [, name, value] = /^\s*(refills|drainBursts|wrongPages)\s*=\s*(\d+(?:\.\d+)?)\s*$/.exec(part) ?? []
    if (name === undefined)
      throw new UsageError(
        `--at-least ${part}: not a bound`,
        'an example: --at-least refills=0.99,drainBursts=0.98,wrongPages=0.001 (wrongPages is an upper bound)',
      )
    if (Number(value) > 1) throw new UsageError(`--at-least ${part}: scores are shares, from 0 to 1`)
    return [name, Number(value)]
  })
}

export async function fidelity({
  capture,
  json,
  atLeast,
}: {
  capture: string
  json: boolean
  atLeast: string | undefined
}): Promise<ExitCode> {
  const bounds = atLeast === undefined ? [] : parseBounds(atLeast)
  const found = analyse(await read(capture)).fidelity
  const failed: string[] = []
  const scores = found.pcp?.scores as Record<string, number | undefined> | undefined
  for (const [name, bound] of bounds) {
    const value = scores?.[name]
    const holds = value !== undefined && (name === 'wrongPages' ? value <= bound : value >= bound)
    if (!holds)
      failed.push(
        `${name} is ${value === undefined ? 'not scored: nothing of it happened' : value.toFixed(6)}, asked for ${name === 'wrongPages' ? 'at most' : 'at least'} ${bound}`,
      )
  }
  if (json) printJson(found)
  else printFidelity(found)
  for (const failure of failed) warn(`check failed: ${failure}`)
  return failed.length > 0 ? 1 : 0
}

function printFidelity({ capture, kernel, pcp, notes, losses }: Fidelity): void {
  print(`${capture}, Linux ${kernel}: how exactly kreplay reproduces what this kernel recorded`)
  if (pcp !== undefined) {
    print(
      `policy ${pcp.policy}; lists unknown at the start for ${percent(pcp.warmupShare)} of list operations; put right ${pcp.resyncs === 1 ? 'once' : `${number(pcp.resyncs)} times`}\n`,
    )
    const row = (
      name: string,
      { recorded, predicted, exact }: { recorded: number; predicted: number; exact: number },
      bare?: { recorded: number; predicted: number; exact: number },
    ) => [
      name,
      number(recorded),
      number(predicted),
      number(exact),
      percent(scoreOf({ recorded, predicted, exact })),
      bare === undefined ? '–' : percent(scoreOf(bare)),
    ]
    printTable(
      ['', 'recorded', 'predicted', 'exact', 'score', 'without resync'],
      [
        row('refills', pcp.refills, pcp.withoutResync.refills),
        row('drain bursts', pcp.drainBursts, pcp.withoutResync.drainBursts),
        row('requested drains', pcp.requestedDrains),
      ],
    )
    const { recorded, exact, unknownStart, wrong } = pcp.drainedPages
    print(
      `\ndrained pages: ${number(recorded)} scored of ${number(pcp.coverage.drainedPages.inTrace)} in the trace, ${number(exact)} exact, ${number(unknownStart)} from before the trace, ${number(wrong)} wrong`,
    )
    const cpus = [...new Set([...Object.keys(pcp.interruptions.recorded), ...Object.keys(pcp.interruptions.predicted)])]
    if (cpus.length > 0) {
      print('\ninterruptions by drain work')
      printTable(
        ['CPU', 'recorded', 'predicted'],
        cpus.map((cpu) => [
          cpu,
          number(pcp.interruptions.recorded[cpu] ?? 0),
          number(pcp.interruptions.predicted[cpu] ?? 0),
        ]),
      )
    }
    if (pcp.inferredBulkPages > 0)
      print(
        `\n${number(pcp.inferredBulkPages)} pages were taken by the untraced bulk allocator (inferred); ${number(pcp.excusedRefills)} of the exact refills rest on that.`,
      )
    for (const { cause, count, help } of pcp.misses) print(`${number(count)} × ${cause}: ${help}`)
  }
  if (losses.gaps > 0) print(`${losses.gaps} losses in the trace.`)
  for (const note of notes) print(note)
}
