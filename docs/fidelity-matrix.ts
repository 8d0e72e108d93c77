import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Fidelity, Machine } from 'kreplay'
import { scoreOf } from '#metrics'
import { shapeOf } from '../src/metrics/fidelity-matrix.ts'
import { markdownTable } from './markdown.ts'

type Pcp = NonNullable<Fidelity['pcp']>
type Score = Pcp['refills']

const count = (value: number): string => value.toLocaleString('en-US')

/** 100 % is said only of all. */
const percent = (score: Score): string => {
  const value = scoreOf(score)
  return value === undefined ? '–' : value === 1 ? '100 %' : `${(Math.floor(value * 1e3) / 10).toFixed(1)} %`
}

/** "97.1 % of 296 (corrected 100 %)" */
const both = (free: Score, corrected: Score): string =>
  scoreOf(free) === undefined
    ? '–'
    : `${percent(free)} of ${count(Math.max(free.recorded, free.predicted))} (${percent(corrected)})`

const totals = [
  ['refills', 'refills'],
  ['refilledPages', 'pages refilled'],
  ['bulkFrees', 'bulk frees'],
  ['bulkFreedPages', 'pages freed in bulk'],
  ['zoneLocks', 'zone->lock'],
  ['interruptions', 'interruptions'],
  ['requestedDrains', 'requested drains'],
] as const

/** The total that is furthest from the record. */
function worst({ totals: of }: Pcp): string {
  const [off, what] = totals.reduce<[number, string]>(
    (most, [id, title]) => {
      const { recorded, predicted } = of?.[id] ?? { recorded: 0, predicted: 0 }
      const error = recorded === predicted ? 0 : predicted / recorded - 1
      return Math.abs(error) > Math.abs(most[0]) ? [error, title] : most
    },
    [0, ''],
  )
  if (off === 0) return 'none'
  return Number.isFinite(off)
    ? `${off > 0 ? '+' : '−'}${(Math.abs(off) * 100).toFixed(1)} % ${what}`
    : `${what}: none recorded`
}

const covered = (part: Pcp['coverage']['refills']): string =>
  part === undefined ? '–' : `${count(part.scored)} of ${count(part.inTrace)}`

/** What ran, as the capture’s README says; of the lab’s own captures as their names say. */
async function loadOf(folder: string, capture: string): Promise<string> {
  const text = await readFile(join(folder, capture, 'README.md'), 'utf8').catch(() => '')
  const [, ran] = /^\| what ran \| (.+) \|$/m.exec(text) ?? []
  return ran ?? (capture.startsWith('drain') ? 'memory pressure, one CPU isolated' : 'mixed churn of pages and files')
}

/** A capture under its recording kernel's own policy. */
export interface Scored {
  readonly name: string
  readonly machine: Machine
  readonly fidelity: Fidelity
}

/** Release × shape × load: what each capture of a folder comes to. */
export async function matrixOf(folder: string, captures: readonly Scored[]): Promise<string> {
  const rows: string[][] = []
  for (const { name, machine, fidelity } of captures) {
    const { pcp } = fidelity
    const shape = shapeOf(machine)
    if (pcp === undefined || shape === undefined) continue
    const more = [
      ...(shape.nodes > 1 ? [`${shape.nodes} nodes`] : []),
      ...(shape.cma ? ['CMA'] : []),
      ...(shape.fixedHigh ? ['fixed `high`'] : []),
      ...(machine.preemption === 'full' ? ['full preemption'] : []),
    ]
    const { withoutResync: free, coverage } = pcp
    rows.push([
      name,
      machine.release?.text ?? '',
      [`${shape.cpus} CPUs`, ...more].join(', '),
      await loadOf(folder, name),
      both(free.refills, pcp.refills),
      both(free.drainBursts, pcp.drainBursts),
      `${count(free.drainedPages.wrong)} of ${count(free.drainedPages.recorded)}`,
      worst(pcp),
      `${covered(coverage.refills)}; ${covered(coverage.drainBursts)}`,
    ])
  }
  return `## Release, shape and load

All page captures in \`traces/\`, each under its own kernel’s rules and free-running, as what-ifs run; in brackets the score with corrections after each miss. *Totals off by*: the total of refills, bulk frees, their pages, zone->lock
acquisitions, interruptions and requested drains that is furthest from the record. *Scored*: refills, then bulk frees, of those recorded. Of a machine that no row is like, \`kreplay fidelity\` and every report say so in their notes.

${markdownTable(
  [
    'capture',
    'Linux',
    'machine',
    'load',
    'refills exact',
    'bulk frees exact',
    'pages wrong',
    'totals off by',
    'scored',
  ],
  rows,
  [4, 5, 6, 7, 8],
)}
`
}
