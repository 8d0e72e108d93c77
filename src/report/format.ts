import type { Ns } from '#kernel'
import { durationScale, formatDuration } from '#kernel/messages'
import type { Cell, Column, Table, Verdict } from './sections/section.ts'

export { formatDuration } from '#kernel/messages'

/** Nothing happened, so there is no number. */
export const NOTHING = '–'

const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 })
const three = new Intl.NumberFormat('en-US', { maximumSignificantDigits: 3 })

/** The least and the most that a duration may be. */
export function formatBounds(least: Ns, most: Ns): string {
  const [from, to] = [least, most].map((ns) => (ns === 0 ? 'none' : formatDuration(ns)))
  return from === to ? from! : `${from} to ${to}`
}

/** Counts stand as they are; means and quantiles between whole numbers keep three figures. */
export const formatCount = (value: number): string =>
  Number.isInteger(value) || Math.abs(value) >= 1000 ? whole.format(value) : three.format(value)

/** The least and the most that a count may be. */
export function formatInterval({ low, high }: { readonly low: number; readonly high: number }): string {
  const [from, to] = [Math.floor(low), Math.ceil(high)].map(formatCount)
  return from === to ? from! : `${from} to ${to}`
}

/** A share of 0–1 as a percentage. Only 1 itself is "100 %", only 0 is "0 %"; what is nearly all is cut, not rounded up. */
export function formatShare(share: number): string {
  if (share === 0 || share === 1) return `${share * 100} %`
  const size = Math.abs(share)
  if (size < 0.0001) return `${share < 0 ? '−' : ''}<0.01 %`
  if (size > 0.999 && size < 1) return `${share < 0 ? '−' : ''}${(Math.floor(size * 10_000) / 100).toFixed(2)} %`
  if (size > 0.99 && size < 1) return `${share < 0 ? '−' : ''}${(Math.floor(size * 1000) / 10).toFixed(1)} %`
  const digits = size < 0.01 ? 2 : size < 10 ? 1 : 0
  return `${(share * 100).toFixed(digits).replace('-', '−')} %`
}

/** What a cell holds as a number, if it does. */
const numberOf = (cell: Cell): number | undefined =>
  typeof cell === 'number' ? cell : typeof cell === 'object' ? cell.value : undefined

export const isVerdict = (cell: Cell): cell is Verdict => typeof cell === 'object'

/** The writer of one column's values. */
export function writerOf(table: Table, at: number): (cell: Cell) => string {
  const column = table.columns[at]
  const scale = durationScale(table.rows.map((row) => numberOf(row[at]) ?? 0))
  return (cell) => {
    if (typeof cell === 'string') return cell
    const value = numberOf(cell)
    if (value === undefined || column === undefined) return NOTHING
    switch (column.kind) {
      case 'share':
        return formatShare(value)
      case 'ns':
        return formatDuration(value, scale)
      case 'seconds':
        return value.toFixed(3)
      default:
        return formatCount(value)
    }
  }
}

export const headingOf = ({ title, unit }: Column): string => (unit === undefined ? title : `${title} (${unit})`)

/** How far `value` lies from the baseline’s. It is no judgement: whether a difference is a finding, its verdict says. */
export function differenceOf(value: number, base: number, kind: Column['kind']): string {
  if (value === base) return '= same'
  const arrow = value > base ? '▲' : '▼'
  if (kind === 'share') {
    const points = Math.abs(value - base) * 100
    return `${arrow} ${points < 0.05 ? '<0.1' : points.toFixed(1)} points`
  }
  if (base === 0) return `${arrow} from 0`
  const ratio = value / base
  return ratio >= 10 ? `${arrow} ${three.format(ratio)} ×` : `${arrow} ${formatShare(Math.abs(ratio - 1))}`
}

/** The comparison of one cell with the baseline's row, where the table and the column ask for one. */
export function comparisonOf(table: Table, row: number, at: number): string | undefined {
  const column = table.columns[at]
  if (table.baselineRow === undefined || row === table.baselineRow || column?.better === undefined) return undefined
  const value = numberOf(table.rows[row]?.[at])
  const base = numberOf(table.rows[table.baselineRow]?.[at])
  return value === undefined || base === undefined ? undefined : differenceOf(value, base, column.kind)
}
