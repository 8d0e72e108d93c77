import type { VerdictId } from '#metrics'
import { type Html, html } from './escape.ts'
import { formatShare } from './format.ts'
import { swatch } from './html-blocks.ts'
import type { Matrix, MatrixCell, MatrixColumn, MatrixRow } from './matrix/index.ts'
import {
  differenceWords,
  errorName,
  marked,
  notesOf,
  toneOf,
  verdictSign,
  verdictWords,
  writerOfColumn,
} from './matrix/words.ts'
import { breakable, prose } from './prose.ts'
import { firstMeasureOf, lineStyle, type Timeline } from './timeline.ts'

/** A verdict for those who do not see its sign. */
const spoken: Readonly<Record<VerdictId, string>> = {
  settled: 'settled',
  'within-model-error': 'within the model error',
  'within-loss': 'within what was lost',
  'within-repeats': 'within the spread of the captures',
  'depends-on-assumption': 'depends on an assumption',
  'not-modelled': 'not modelled',
  unchecked: 'unchecked',
}

/** The sign of a verdict as a cell shows it. */
const signOf = (verdict: VerdictId): string => (verdict === 'settled' ? '✓' : verdictSign[verdict])

function verdictOf(column: MatrixColumn, cell: MatrixCell): Html | undefined {
  const { verdict, value, baseline } = cell
  if (verdict === undefined || value === undefined) return undefined
  if (value === baseline) return html`<span class="diff open">=<span class="sr"> same</span></span>`
  return html`<span class="diff ${toneOf(column, cell)} ${verdict}" title="${verdictWords(cell)}">${verdict === 'settled' ? `${differenceWords(cell)} ✓` : marked(differenceWords(cell), cell)}<span class="sr"> ${spoken[verdict]}</span></span>`
}

/** What the signs of a matrix mean, as far as it has them. */
function keyOf({ rows }: Matrix): string {
  const cells = rows.flatMap(({ cells }) => cells.filter(({ value, baseline }) => value !== baseline))
  const seen = new Set(cells.flatMap(({ verdict }) => verdict ?? []))
  const assumed = [
    ...new Set(cells.flatMap(({ verdict, because = [] }) => (verdict === 'depends-on-assumption' ? because : []))),
  ]
  return (Object.keys(spoken) as VerdictId[])
    .filter((verdict) => seen.has(verdict))
    .map((verdict) => {
      const named = verdict === 'depends-on-assumption' && assumed.length > 0 ? ` (${assumed.join(', ')})` : ''
      return `${signOf(verdict)} ${spoken[verdict]}${named}`
    })
    .join(', ')
}

/** A bar by the largest value of the column. */
function barOf(value: number | undefined, largest: number): Html | undefined {
  if (value === undefined || largest === 0) return undefined
  const width = Math.max(value > 0 ? 1 : 0, Math.round((100 * value) / largest))
  return html`<svg class="bar" viewBox="0 0 100 3" preserveAspectRatio="none" aria-hidden="true"><rect width="${width}" height="3"/></svg>`
}

function rowOf(matrix: Matrix, row: MatrixRow, series: number, style: ReturnType<typeof lineStyle>): Html {
  const cells = row.cells.map((cell, column) => {
    const about = matrix.columns[column]!
    const largest = Math.max(0, ...matrix.rows.map(({ cells }) => cells[column]?.value ?? 0))
    return html`<td data-label="${about.short}" data-measure="${about.id}" data-opens="${about.section}"${
      cell.value === undefined ? undefined : html` data-value="${cell.value}"`
    }><span class="cell">${verdictOf(about, cell)}<span class="value">${writerOfColumn(matrix, column)(cell.value)}</span></span>${barOf(cell.value, largest)}</td>`
  })
  const tag = row.role === 'baseline' || row.role === 'bound' ? html` <span class="tag">${row.role}</span>` : undefined
  const shape = style.dashed ? 'dash' : 'line'
  return html`<tr class="${row.role}" data-series="s${series}" data-policy="${row.name}"><th scope="row"><span class="name">${swatch({ colour: style.colour, shape })}<span>${breakable(row.name)}${tag}</span></span></th>${cells}</tr>
`
}

const headOf = ({ short, title, unit, help, section }: MatrixColumn, at: number): Html =>
  html`<th scope="col" aria-sort="none" title="${help}"><button type="button" data-sort="${at}">${prose(short)}${
    unit === undefined ? undefined : html` <span class="unit">${unit}</span>`
  }</button> <a class="more" href="#${section}" aria-label="Details: ${title}">↓</a></th>`

function errorRow(matrix: Matrix): Html | undefined {
  const { columns, errorOver } = matrix
  if (columns.every(({ error }) => error === undefined)) return undefined
  return html`<tfoot><tr><th scope="row"${errorOver === undefined ? undefined : html` title="${errorOver.help}"`}>${errorName(matrix)}</th>${columns.map(
    ({ error, short }) =>
      html`<td data-label="${short}">${error === undefined ? 'unchecked' : error === 0 ? 'none' : formatShare(error)}</td>`,
  )}</tr></tfoot>`
}

function timelineOf(timeline: Timeline & { readonly at: number }, chosen: string | undefined): Html {
  const { at, measures, requests, losses, kswapd, lines } = timeline
  const marks = [
    requests.length > 0 ? '▼ drain requests' : undefined,
    kswapd.length > 0 ? 'shaded: kswapd balances' : undefined,
    losses.length > 0 ? 'dotted lines: events lost' : undefined,
  ].filter((one) => one !== undefined)
  return html`<figure id="when-${at}" class="when" data-chart="when-${at}">
<figcaption><h3>When does it happen?</h3><label>Measure <select data-measure-of="when-${at}">${measures.map(
    ({ id, title, kind }) =>
      html`<option value="${id}"${id === chosen ? html` selected` : undefined}>${title}${kind === 'sum' ? ', adding up' : undefined}</option>`,
  )}</select></label><span class="marks">${marks.join('; ')}</span><span class="same"></span><output class="window" hidden></output></figcaption>
<div class="plot" role="img" aria-label="Line chart over time, one line for each of ${lines.map(({ name }) => name).join(', ')}. The totals stand in the table above."></div>
</figure>`
}

/** The decision matrix of a capture, its own timeline beneath it. */
export const matrixOf = (
  matrix: Matrix,
  index: number,
  named: boolean,
  timeline: (Timeline & { readonly at: number }) | undefined,
): Html => html`${tableOfMatrix(matrix, index, named, timeline)}
${timeline === undefined ? undefined : timelineOf(timeline, firstMeasureOf(matrix, timeline)?.id)}`

/** The matrix alone. */
export function tableOfMatrix(
  matrix: Matrix,
  index: number,
  named: boolean,
  timeline: (Pick<Timeline, 'lines'> & { readonly at: number }) | undefined,
): Html {
  const recorded = matrix.rows.filter(({ role }) => role === 'recorded').length
  const caption = `Every policy on the same record${named ? ` (${matrix.capture})` : ''}`
  return html`<div class="table matrix" role="region" tabindex="0" aria-label="${caption}"><table data-matrix="${index}"${
    timeline === undefined ? undefined : html` data-timeline="when-${timeline.at}"`
  }><caption><span>${caption}<span class="zero">${keyOf(matrix)}; ↓ details below${notesOf(matrix)
    .map((note) => `. ${note.replace(/\.$/, '')}`)
    .join('')}</span>${
    matrix.zero.length === 0 ? undefined : html`<span class="zero">Zero everywhere: ${matrix.zero.join(', ')}.</span>`
  }</span></caption>
<thead><tr><th scope="col">policy</th>${matrix.columns.map(headOf)}</tr></thead>
<tbody>${matrix.rows.map((row, at) =>
    rowOf(
      matrix,
      row,
      timeline?.lines.findIndex(({ name }) => name === row.name) ?? -1,
      row.role === 'recorded' ? lineStyle(0, true) : lineStyle(at - recorded, false),
    ),
  )}</tbody>${errorRow(matrix)}</table></div>`
}
