/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
/** The decision matrix in the page: sorted by a column, and read over a window of its timeline. */
import type { Steps } from '../worker/messages.ts'

const timelines = new Map<string, readonly Steps[]>()
const number = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 })
const small = new Intl.NumberFormat('en-US', { maximumSignificantDigits: 3 })

export const isSteps = (value: unknown): value is Steps =>
  typeof value === 'object' && value !== null && 'measure' in value && 'v' in value

/** The data of each timeline’s chart. */
function stepsOf(spec: unknown): Steps[] {
  const { data } = spec as { readonly data?: readonly { readonly values?: unknown }[] }
  return (data ?? []).flatMap(({ values }) => (Array.isArray(values) ? values.filter(isSteps) : []))
}

/** Sum over a window, or mean of a level; undefined if no step lies in it. */
function within({ kind, t, v }: Steps, [from, to]: readonly [number, number]): number | undefined {
  let [sum, steps] = [0, 0]
  for (let at = 0; at < t.length; at++) {
    if (t[at]! < from || t[at]! > to) continue
    sum += v[at]!
    steps++
  }
  return steps === 0 ? undefined : kind === 'sum' ? sum : sum / steps
}

function difference(value: number, base: number): string {
  if (value === base) return '= same'
  if (base === 0) return 'from 0'
  const ratio = value / base
  return ratio >= 10
    ? `× ${small.format(ratio)}`
    : `${ratio < 1 ? '−' : '+'}${small.format(Math.abs(ratio - 1) * 100)} %`
}

/** What each cell says of the whole trace. */
const whole = new WeakMap<HTMLElement, readonly Node[]>()

function fill(cell: HTMLElement, value: number | undefined, base: number | undefined, isBase: boolean): void {
  if (!whole.has(cell)) whole.set(cell, [...cell.childNodes])
  const shown = document.createElement('span')
  shown.className = 'value'
  shown.textContent = value === undefined ? '–' : number.format(value)
  const apart = document.createElement('span')
  apart.className = 'diff'
  apart.textContent = value === undefined || base === undefined || isBase ? '' : difference(value, base)
  const both = document.createElement('span')
  both.className = 'cell'
  both.append(apart, shown)
  cell.replaceChildren(both)
}

/** Recomputes the matrix over a window of its timeline from the sums of the steps; over the whole without one. */
export function showWindow(figure: HTMLElement, range: readonly [number, number] | undefined): void {
  const table = document.querySelector<HTMLElement>(`table[data-timeline="${figure.id}"]`)
  const note = figure.querySelector<HTMLOutputElement>('.window')
  if (table === null || note === null) return
  const narrow = range !== undefined && range[1] > range[0]
  note.hidden = !narrow
  note.textContent = narrow
    ? `Matrix over ${small.format(range[1] - range[0])} s from ${range[0].toFixed(3)} s. Verdicts hold for the whole trace only. Click the chart to return.`
    : ''
  table.classList.toggle('windowed', narrow)
  if (!narrow) {
    for (const cell of table.querySelectorAll<HTMLElement>('td[data-measure]')) {
      const before = whole.get(cell)
      if (before !== undefined) cell.replaceChildren(...before)
    }
    return
  }
  const steps = timelines.get(figure.id) ?? []
  const find = (series: string | undefined, measure: string | undefined) => {
    const one = steps.find((line) => line.series === series && line.measure === measure)
    return one === undefined ? undefined : within(one, range)
  }
  const base = table.querySelector<HTMLElement>('tr.baseline')?.dataset.series
  for (const row of table.querySelectorAll<HTMLElement>('tbody tr'))
    for (const cell of row.querySelectorAll<HTMLElement>('td[data-measure]')) {
      const { measure } = cell.dataset
      fill(cell, find(row.dataset.series, measure), find(base, measure), row.matches('.baseline, .recorded'))
    }
}

/** Lines that hide each other, by name: "a = b". */
export function nameHidden(figure: HTMLElement, measure: string): void {
  const note = figure.querySelector<HTMLElement>('.same')
  const rows = document.querySelectorAll<HTMLElement>(`table[data-timeline="${figure.id}"] tr[data-policy]`)
  if (note === null) return
  const names = new Map([...rows].map(({ dataset }) => [dataset.series, dataset.policy]))
  const steps = (timelines.get(figure.id) ?? []).filter((line) => line.measure === measure && names.has(line.series))
  const alike = [...Map.groupBy(steps, ({ v }) => v.join()).values()].filter(({ length }) => length > 1)
  const off = steps.filter(({ cap }) => cap !== undefined).map(({ series }) => names.get(series))
  note.textContent = [
    ...(alike.length === 0
      ? []
      : [`Same line: ${alike.map((lines) => lines.map(({ series }) => names.get(series)).join(' = ')).join('; ')}`]),
    ...(off.length === 0 ? [] : [`Leaves the chart: ${off.join(', ')}`]),
  ].join('. ')
}

function sortBy(table: HTMLTableElement, at: number, head: HTMLElement): void {
  const rising = head.getAttribute('aria-sort') !== 'ascending'
  for (const other of table.querySelectorAll('th[aria-sort]')) other.setAttribute('aria-sort', 'none')
  head.setAttribute('aria-sort', rising ? 'ascending' : 'descending')
  const body = table.tBodies[0]
  if (body === undefined) return
  const sortKey = (row: HTMLTableRowElement): number => {
    const { value } = row.querySelectorAll<HTMLElement>('td')[at]?.dataset ?? {}
    return value === undefined ? Number.POSITIVE_INFINITY : Number(value)
  }
  // The record stays on top.
  const rows = [...body.rows].filter((row) => !row.matches('.recorded'))
  rows.sort((a, b) => (rising ? 1 : -1) * (sortKey(a) - sortKey(b)))
  body.append(...rows)
}

/** Makes the tables of a page, or one that came later, sort and follow their timelines. */
export function startMatrices(specs: Readonly<Record<string, unknown>>, within: ParentNode = document): void {
  for (const table of within.querySelectorAll<HTMLTableElement>('table[data-matrix]')) {
    const { timeline } = table.dataset
    if (timeline !== undefined) {
      timelines.set(timeline, stepsOf(specs[timeline]))
      const figure = document.getElementById(timeline)
      const chosen = figure?.querySelector('select')?.value
      if (figure !== null && chosen !== undefined) nameHidden(figure, chosen)
    }
    for (const button of table.querySelectorAll<HTMLElement>('button[data-sort]'))
      button.addEventListener('click', () => {
        const head = button.closest('th')
        if (head !== null) sortBy(table, Number(button.dataset.sort), head)
      })
  }
}
