import { type Html, html } from './escape.ts'
import { comparisonOf, headingOf, isVerdict, NOTHING, writerOf } from './format.ts'
import { breakable, prose } from './prose.ts'
import type { Cell, Chart, Column, LegendEntry, Table } from './sections/section.ts'

const marks: Record<LegendEntry['shape'], (colour: string) => Html> = {
  line: (c) => html`<path class="s-${c}" d="M1 6h20" stroke-width="2.5"/>`,
  dash: (c) => html`<path class="s-${c}" d="M1 6h20" stroke-width="2.5" stroke-dasharray="5 3"/>`,
  area: (c) => html`<rect class="f-${c}" x="4" width="14" height="12" rx="2"/>`,
  dot: (c) => html`<circle class="f-${c}" cx="11" cy="6" r="4"/>`,
  triangle: (c) => html`<path class="f-${c}" d="M11 0l6 11H5z"/>`,
}

/** A sample of a line or mark, for legends and the heads of rows. */
export const swatch = ({ colour, shape }: Pick<LegendEntry, 'colour' | 'shape'>): Html =>
  html`<svg class="swatch" viewBox="0 0 22 12" aria-hidden="true">${marks[shape](colour)}</svg>`

const legendEntry = (entry: LegendEntry): Html => html`<li>${swatch(entry)}${entry.label}</li>`

export const figureOf = ({ id, title, alt, legend, table }: Chart): Html => html`<figure id="${id}" data-chart="${id}">
<figcaption><h4>${prose(title)}</h4></figcaption>
<ul class="legend" aria-label="Legend">${legend.map(legendEntry)}</ul>
<div class="plot" role="img" aria-label="${alt}"></div>
<details class="behind"><summary>The numbers behind: ${title}</summary>${tableOf(table)}</details>
</figure>`

/** Tables of more columns become lists of labelled values on narrower screens: none is wider than its card. */
const sizeOf = ({ columns }: Table): string =>
  columns.length > 9 ? 'many' : columns.length > 5 ? 'some' : columns.length > 2 ? 'few' : 'two'

export function tableOf(table: Table): Html {
  const write = table.columns.map((_, at) => writerOf(table, at))
  const rows = table.rows.map((cells, row) => {
    const base = row === table.baselineRow
    const [first, ...others] = cells.map((cell, at) => contentOf(table, row, at, cell, write[at]))
    return html`<tr${base ? html` class="base"` : undefined}><th scope="row">${first}${
      base ? html` <span class="tag">baseline</span>` : undefined
    }</th>${others}</tr>
`
  })
  return html`<div class="table ${sizeOf(table)}" role="region" tabindex="0" aria-label="${table.caption}"><table><caption><span>${prose(table.caption)}</span></caption>
<thead><tr>${table.columns.map(headOf)}</tr></thead>
<tbody>${rows}</tbody></table></div>`
}

function contentOf(
  table: Table,
  row: number,
  at: number,
  cell: Cell,
  write: ((cell: Cell) => string) | undefined,
): Html {
  const column = table.columns[at]
  const isText = column?.kind === 'text'
  const label = column === undefined ? '' : headingOf(column)
  const open = html`<td${isText ? html` class="t"` : undefined} data-label="${label}">`
  if (isVerdict(cell)) return html`${open}<span class="verdict ${cell.tone}">${cell.words}</span></td>`
  const text = breakable(write?.(cell) ?? NOTHING)
  if (at === 0) return text
  if (isText) return html`${open}${text}</td>`
  const difference = comparisonOf(table, row, at)
  return html`${open}${text}${
    difference === undefined ? undefined : html`<span class="diff">${difference}</span>`
  }</td>`
}

function headOf(column: Column): Html {
  const { title, unit, kind, help } = column
  const attributes = html`scope="col"${kind === 'text' ? html` class="t"` : undefined}${
    help === undefined ? undefined : html` title="${help}"`
  }`
  return html`<th ${attributes}>${unit === undefined ? prose(headingOf(column)) : html`${prose(title)} <span class="unit">${unit}</span>`}</th>`
}
