import { durationScale, formatDuration } from '#kernel/messages'
import { type VerdictId, verdictHelp } from '#metrics'
import { formatCount, formatShare, NOTHING } from '../format.ts'
import type { Matrix, MatrixCell, MatrixColumn, MatrixRow } from './matrix.ts'

/** Verdicts as they stand in cells: a sign each, so that none rests on colour. */
export const verdictSign: Readonly<Record<VerdictId, string>> = {
  settled: '',
  'within-model-error': '≈',
  'within-loss': '≈',
  'within-repeats': '≈',
  'depends-on-assumption': '±',
  'not-modelled': '!',
  unchecked: '?',
}

const sizes = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const

/** A cell's text with the sign of its verdict: "≈" before it, since it says how exact the number is; the others behind. */
export function marked(text: string, { verdict, value, baseline }: MatrixCell): string {
  const sign = verdict === undefined || value === baseline ? '' : verdictSign[verdict]
  return sign === '' ? text : sign === '≈' ? `≈ ${text}` : `${text} ${sign}`
}

/** "pcp/none (bound)": what a row is besides a policy's. */
export const rowName = ({ name, role }: MatrixRow): string =>
  role === 'baseline' || role === 'bound' ? `${name} (${role})` : name

/** What a reader must know of a matrix besides its signs, a sentence each. */
export const notesOf = ({ columns, errorOver }: Matrix): string[] => [
  ...(errorOver === undefined || columns.every(({ error }) => error === undefined) ? [] : [errorOver.help]),
  ...columns.flatMap(({ note }) => note ?? []),
]

/** What the last row is called. */
export const errorName = ({ errorOver }: Pick<Matrix, 'errorOver'>): string =>
  errorOver === undefined ? 'model error' : `model error, ${errorOver.short}`

/** One unit for all of a column’s values. */
export function writerOfColumn({ rows, columns }: Matrix, at: number): (value: number | undefined) => string {
  const values = rows.flatMap(({ cells }) => cells[at]?.value ?? [])
  const { kind } = columns[at]!
  const scale = durationScale(values)
  const largest = Math.max(0, ...values.map(Math.abs))
  const power = Math.min(sizes.length - 1, Math.max(0, Math.floor(Math.log2(Math.max(1, largest)) / 10)))
  return (value) => {
    if (value === undefined) return NOTHING
    if (kind === 'ns') return formatDuration(value, scale)
    if (kind === 'bytes') return `${formatCount(Number((value / 1024 ** power).toPrecision(3)))} ${sizes[power]}`
    return kind === 'share' ? formatShare(value) : formatCount(Number.isInteger(value) ? value : Math.round(value))
  }
}

/** "−38 %", "from 0", "=": how far a value is from the baseline’s. */
export function differenceWords({ value, baseline, verdict }: MatrixCell): string {
  if (value === undefined || baseline === undefined || verdict === undefined) return ''
  if (value === baseline) return '= same'
  if (baseline === 0) return 'from 0'
  const ratio = value / baseline
  if (ratio >= 10) return `× ${formatCount(Number(ratio.toPrecision(3)))}`
  const percent = Math.abs(ratio - 1) * 100
  const digits = percent < 1 ? 2 : percent < 10 ? 1 : 0
  return `${ratio < 1 ? '−' : '+'}${percent < 0.005 ? '<0.01' : percent.toFixed(digits)} %`
}

/** Why a difference is no finding, in a few words; empty for one that is settled, or none. */
export function verdictWords({ verdict, because = [], value, baseline }: MatrixCell): string {
  if (verdict === undefined || value === baseline) return ''
  const named = because.length === 0 ? '' : `: ${because.join(', ')}`
  return verdict === 'settled' ? 'settled' : `${verdictHelp[verdict]}${named}`
}

/** Only a settled difference is good or bad. */
export function toneOf(
  { better }: MatrixColumn,
  { value, baseline, verdict }: MatrixCell,
): 'better' | 'worse' | 'open' {
  if (verdict !== 'settled' || better === undefined || value === undefined || baseline === undefined) return 'open'
  return value === baseline ? 'open' : value > baseline === (better === 'more') ? 'better' : 'worse'
}
