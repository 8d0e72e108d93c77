import type { Recommendation } from '#app'
import { counted } from '#kernel/messages'
import { verdictHelp } from '#report'
import { number } from '../terminal.ts'
import type { Output } from './output.ts'

type Candidate = Recommendation['candidates'][number]
type Point = Recommendation['turningPoints'][number]

const signed = (share: number): string =>
  share === 0 ? 'same' : `${share > 0 ? '+' : '−'}${(Math.abs(share) * 100).toFixed(1)} %`

const plain = (value: number | undefined): string => (value === undefined ? '–' : number(Math.round(value * 100) / 100))

/** The weakest verdict over captures, or that all are settled. */
function verdictOf({ beside, difference }: Candidate): string {
  if (difference === 0) return ''
  const open = beside.byCapture.find(({ verdict }) => verdict !== 'settled')
  return beside.isBetter || open === undefined ? 'settled' : verdictHelp[open.verdict]
}

export function printRecommendation(found: Recommendation, top: number, out: Output): void {
  const { recommended, because, ties, candidates, baseline, objective, limits, captures, search } = found
  for (const { name, unmodelled } of captures)
    if (unmodelled !== undefined)
      out.line(`${name}: ${unmodelled} is not modelled, so no difference on it is a finding.`)
  const within = limits.length === 0 ? '' : ` within ${limits.join(', ')}`
  out.title(
    recommended === undefined ? `Nothing is recommended by ${objective}${within}` : `Recommended: ${recommended}`,
  )
  for (const sentence of because) out.line(sentence)
  const others = ties.filter((policy) => policy !== recommended && policy !== baseline)
  if (recommended !== undefined && others.length > 0)
    out.line(`Not to be told from it by ${objective}: ${listed(others)}.`)
  out.heading(`Best by ${objective}${within}`)
  const axes = Object.keys(candidates[0]?.means ?? {})
  const unchecked = new Set(axes.filter((axis) => captures.some(({ recorded }) => recorded[axis] === undefined)))
  const spans = candidates.some(({ beside }) => beside.interval !== undefined)
  out.table(
    [
      'policy',
      'objective',
      ...(spans ? ['95 % interval'] : []),
      'verdict',
      ...axes.map((axis) => (captures.length > 1 ? `${axis}, mean` : axis)),
      'limits',
      'on front',
    ],
    candidates.map((row) => [
      row.policy === baseline ? `${row.policy} (baseline)` : row.policy,
      signed(row.difference),
      ...(spans ? [intervalOf(row)] : []),
      verdictOf(row),
      ...axes.map((axis) => `${plain(row.means[axis])}${unchecked.has(axis) ? ' ?' : ''}`),
      row.breaks.length > 0 ? `breaks ${row.breaks.join(', ')}` : 'kept',
      row.onFront ? 'yes' : '',
    ]),
  )
  if (unchecked.size > 0) out.line(`? ${verdictHelp.unchecked}`)
  printTurningPoints(found, out)
  out.line(
    `\n${counted(search.runs, 'run')} of ${counted(search.choices, 'choice')} (${search.kind}) on ${captures.map(({ name }) => name).join(', ')}; the best ${number(Math.min(top, candidates.length))} are listed.`,
  )
}

const listed = (names: readonly string[]): string =>
  names.length > 5 ? `${names.slice(0, 5).join(', ')} and ${names.length - 5} more` : names.join(', ')

const intervalOf = ({ difference, beside: { interval } }: Candidate): string =>
  interval === undefined || difference === 0 ? '–' : `${signed(interval.low)} to ${signed(interval.high)}`

function printTurningPoints({ turningPoints, recommended, best }: Recommendation, out: Output): void {
  const winner = recommended ?? best
  if (winner === undefined || turningPoints.length === 0) return
  out.heading('What would have to change for another mechanism to win?')
  const turning = turningPoints.filter(({ at }) => at !== undefined)
  if (turning.length > 0)
    out.table(
      ['assumed input', 'is', 'would have to be', 'then wins'],
      turning.map((point) => [
        `${point.param} of ${point.of.join(', ')}`,
        number(point.assumed),
        `${number(point.at!)}${point.factor === undefined ? '' : ` (× ${point.factor.toPrecision(3)})`}`,
        point.rival,
      ]),
    )
  const still = turningPoints.filter(({ at }) => at === undefined)
  for (const [text, points] of Map.groupBy(still, rangeOf))
    out.line(`${text}: ${winner} stays ahead of ${listed(points.map(({ rival }) => rival))}.`)
}

const rangeOf = ({ param, low, high }: Point): string => `${param} anywhere from ${number(low)} to ${number(high)}`
