/**
 * Scores of the estimator over a folder of captures: corrected and free-running, with totals. Results are cached by the content of the
 * sources that make them, so that a step of work costs only what it changed.
 *
 * Use: node --conditions=kreplay-src bench/scores.ts [--folder DIR] [--misses] [--bare] [CAPTURE-PREFIX…]
 */
import { createHash } from 'node:crypto'
import { copyFileSync, existsSync, globSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { infer } from '#estimate'
import { fidelityOf } from '#metrics'
import { readCapture } from '#readers'
import { scriptOf } from '#record'

type Fidelity = ReturnType<typeof fidelityOf>

interface Result {
  readonly pcp: Fidelity['pcp']
  readonly seconds: number
  readonly events: number
}

const { values, positionals } = parseArgs({
  options: {
    folder: { type: 'string', default: '../shared/traces' },
    misses: { type: 'boolean', default: false },
    bare: { type: 'boolean', default: false },
  },
  allowPositionals: true,
})

/** Families of captures that have page lists. */
const FAMILIES = /^(pages|drain|real|pair)-/
const prefixes = positionals.length > 0 ? positionals : ['pages-', 'drain-', 'real-', 'pair-']

const sources = createHash('sha256')
for (const file of globSync('src/{kernel,events,readers,record,sim,policies,estimate,metrics}/**/*.ts').sort())
  if (!file.endsWith('.test.ts')) sources.update(file).update(readFileSync(file))
const cache = join(tmpdir(), 'kreplay-scores', sources.digest('hex').slice(0, 16))
mkdirSync(cache, { recursive: true })

const names = readdirSync(values.folder).filter(
  (name) => FAMILIES.test(name) && !name.includes('kvfree') && prefixes.some((prefix) => name.startsWith(prefix)),
)

/** The trace alone, where no sidecar lies beside it. */
function bareTrace(name: string, folder: string): string {
  const alone = join(cache, `bare-${name}`)
  mkdirSync(alone, { recursive: true })
  const trace = join(alone, 'trace.dat')
  if (!existsSync(trace)) copyFileSync(join(folder, 'trace.dat'), trace)
  return trace
}

async function resultOf(name: string): Promise<Result> {
  const kept = join(cache, `${name}${values.bare ? '.bare' : ''}.json`)
  if (existsSync(kept)) return JSON.parse(readFileSync(kept, 'utf8')) as Result
  const started = process.cpuUsage()
  const folder = join(values.folder, name)
  const capture = await readCapture(values.bare ? bareTrace(name, folder) : folder)
  const script = scriptOf(capture)
  const inference = infer(script)
  const { pcp } = fidelityOf(capture, inference.script, inference)
  const { user, system } = process.cpuUsage(started)
  const result = { pcp, seconds: (user + system) / 1e6, events: capture.events.length }
  writeFileSync(kept, JSON.stringify(result))
  return result
}

const share = (score: { recorded: number; predicted: number; exact: number }): string => {
  const most = Math.max(score.recorded, score.predicted)
  return most === 0 ? '–' : `${((100 * score.exact) / most).toFixed(1)} (${score.exact}/${most})`
}
const percent = (part: number, all: number): string => (all === 0 ? '–' : ((100 * part) / all).toFixed(1))

const rows: string[][] = [
  [
    'capture',
    'scored%',
    'refills',
    'bulk frees',
    'wrong%',
    'FREE refills',
    'FREE bulk',
    'FREE wrong%',
    'totals off%',
    's',
  ],
]
for (const name of names.sort()) {
  try {
    const { pcp, seconds } = await resultOf(name)
    if (pcp === undefined) continue
    const free = pcp.withoutResync
    const { coverage } = pcp
    const scored = [coverage.refills, coverage.drainBursts].map((of) => percent(of?.scored ?? 0, of?.inTrace ?? 0))
    const totals = (pcp as { totals?: Record<string, { recorded: number; predicted: number }> }).totals ?? {}
    const off = Object.values(totals).map(({ recorded, predicted }) =>
      recorded === predicted
        ? '0'
        : recorded === 0
          ? `+${predicted}`
          : ((100 * (predicted - recorded)) / recorded).toFixed(1),
    )
    rows.push([
      name,
      scored.join('/'),
      share(pcp.refills),
      share(pcp.drainBursts),
      percent(pcp.drainedPages.wrong, pcp.drainedPages.recorded),
      share(free.refills),
      share(free.drainBursts),
      percent(free.drainedPages.wrong, free.drainedPages.recorded),
      off.join(' '),
      seconds.toFixed(1),
    ])
    if (values.misses) rows.push(['', ...pcp.misses.slice(0, 9).map(({ cause, count }) => `${cause} ${count}`)])
  } catch (error) {
    rows.push([name, String((error as Error).message).slice(0, 100)])
  }
}
const widths = rows[0]!.map((_, column) =>
  Math.max(...rows.filter((row) => row.length >= 10 && row[0] !== '').map((row) => row[column]!.length)),
)
for (const row of rows)
  console.log(
    row[0] === ''
      ? `    ${row.slice(1).join(', ')}`
      : row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '),
  )
