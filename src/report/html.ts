import { createHash } from 'node:crypto'
import { cleanText } from '#kernel'
import type { Comparison } from '#metrics'
import { comparisonOf, headingOf, isVerdict, NOTHING, writerOf } from './format.ts'
import { compose, type Page, type Part } from './page.ts'
import { runtimeSource } from './runtime/bundle.ts'
import type { Cell, Chart, Column, KeyFigure, LegendEntry, Table } from './sections/section.ts'
import { style } from './style.ts'

/** One self-contained page: opens from file://, asks the network for nothing, runs one script known by its hash. */
export const renderHtml = (comparison: Comparison): Promise<string> => renderPage(compose(comparison))

/** A page without charts runs no script at all. */
export async function renderPage(page: Page): Promise<string> {
  const charted = page.parts.some(({ charts }) => charts.length > 0)
  const [script, specs] = await Promise.all([charted ? runtimeSource() : '', compiledSpecs(page)])
  return documentOf(page, script.replaceAll('</script', '<\\/script'), specs)
}

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }
const esc = (text: string): string => cleanText(text).replace(/[&<>"']/g, (one) => entities[one] ?? one)

/** Text that is read: names which the kernel writes as one word stay one. */
const prose = (text: string): string => esc(text).replaceAll('zone-&gt;lock', '<span class="nb">zone-&gt;lock</span>')

/** JSON inside a script element: no `<` can end it or open a comment. */
const inlineJson = (value: unknown): string =>
  JSON.stringify(value, (_, one) => (typeof one === 'string' ? cleanText(one) : one)).replaceAll('<', '\\u003c')

const hashOf = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`

/** vega-lite compiles here, so the page carries only vega and no compiler. */
async function compiledSpecs({ parts }: Page): Promise<Record<string, unknown>> {
  const charts = parts.flatMap(({ charts }) => charts)
  if (charts.length === 0) return {}
  const { compile } = await import('vega-lite')
  return Object.fromEntries(charts.map(({ id, spec }) => [id, compile(spec).spec]))
}

function documentOf(page: Page, script: string, specs: Record<string, unknown>): string {
  const policy = [
    "default-src 'none'",
    script === '' ? "script-src 'none'" : `script-src ${hashOf(script)}`,
    `style-src ${hashOf(style)}`,
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ')
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="kreplay ${esc(page.version)}">
<title>${esc(page.title)}</title>
<style>${style}</style>
</head>
<body>
<a class="skip" href="#main">Skip to the report</a>
<div class="page">
<header class="top">${page.notModelled.map((sentence) => `<p class="unmodelled">${esc(sentence)}</p>`).join('')}<h1>${esc(page.title)}</h1><p class="origin">${esc(page.origin)}</p></header>
<nav class="toc" aria-labelledby="toc"><h2 id="toc">Contents</h2><ul>
${page.parts.map(({ section }) => `<li><a href="#${section.id}">${esc(section.short)}</a></li>`).join('\n')}
</ul></nav>
<main id="main" tabindex="-1">
${script === '' ? '' : '<noscript><p class="caveats">Charts need JavaScript, which is off. All of their numbers stand in the tables behind them.</p></noscript>'}
${page.parts.map(partOf).join('\n')}
<footer>Made by kreplay ${esc(page.version)}. This file holds everything it shows and asks the network for nothing.</footer>
</main>
</div>
${script === '' ? '' : `<script type="application/json" id="kreplay-charts">${inlineJson(specs)}</script>\n<script>${script}</script>`}
</body>
</html>
`
}

const partOf = ({ section, paragraphs, figures, tables, charts, caveats }: Part): string =>
  [
    `<section id="${section.id}" aria-labelledby="${section.id}-question">`,
    `<h2 id="${section.id}-question">${prose(section.question)}</h2>`,
    ...paragraphs.map((one) => `<p>${prose(one)}</p>`),
    figures.length === 0 ? '' : `<ul class="figures">${figures.map(figureOf).join('')}</ul>`,
    caveats.length === 0
      ? ''
      : `<ul class="caveats" aria-label="Caveats">${caveats.map((one) => `<li>${prose(one)}</li>`).join('')}</ul>`,
    ...tables.map(tableOf),
    ...charts.map(chartOf),
    '</section>',
  ]
    .filter((line) => line !== '')
    .join('\n')

const figureOf = ({ label, value, note, tone }: KeyFigure): string =>
  `<li class="${tone}"><span class="label">${prose(label)}</span><span class="value">${esc(value)}</span><span class="note">${esc(note)}</span></li>`

const chartOf = ({ id, title, alt, legend, table }: Chart): string =>
  `<figure id="${id}" data-chart="${id}">
<figcaption><h3>${prose(title)}</h3></figcaption>
<ul class="legend" aria-label="Legend">${legend.map(legendEntry).join('')}</ul>
<div class="plot" role="img" aria-label="${esc(alt)}"></div>
<details><summary>The numbers behind: ${esc(title)}</summary>${tableOf(table)}</details>
</figure>`

const marks: Record<LegendEntry['shape'], (colour: string) => string> = {
  line: (c) => `<path class="s-${c}" d="M1 6h20" stroke-width="2.5"/>`,
  dash: (c) => `<path class="s-${c}" d="M1 6h20" stroke-width="2.5" stroke-dasharray="5 3"/>`,
  area: (c) => `<rect class="f-${c}" x="4" width="14" height="12" rx="2"/>`,
  dot: (c) => `<circle class="f-${c}" cx="11" cy="6" r="4"/>`,
  triangle: (c) => `<path class="f-${c}" d="M11 0l6 11H5z"/>`,
}

const legendEntry = ({ label, colour, shape }: LegendEntry): string =>
  `<li><svg viewBox="0 0 22 12" aria-hidden="true">${marks[shape](colour)}</svg>${esc(label)}</li>`

/** A table in a box of its own that scrolls, by keyboard too. */
function tableOf(table: Table): string {
  const write = table.columns.map((_, at) => writerOf(table, at))
  const rows = table.rows.map((cells, row) => {
    const base = row === table.baselineRow
    const [first, ...others] = cells.map((cell, at) => contentOf(table, row, at, cell, write[at]))
    return `<tr${base ? ' class="base"' : ''}><th scope="row">${first ?? ''}${base ? ' <span class="tag">baseline</span>' : ''}</th>${others.join('')}</tr>`
  })
  return `<div class="table" role="region" tabindex="0" aria-label="${esc(table.caption)}"><table><caption><span>${prose(table.caption)}</span></caption>
<thead><tr>${table.columns.map(headOf).join('')}</tr></thead>
<tbody>${rows.join('\n')}</tbody></table></div>`
}

function contentOf(
  table: Table,
  row: number,
  at: number,
  cell: Cell,
  write: ((cell: Cell) => string) | undefined,
): string {
  if (isVerdict(cell))
    return `<td${table.columns[at]?.kind === 'text' ? ' class="t"' : ''}><span class="verdict ${cell.tone}">${esc(cell.words)}</span></td>`
  // `GFP_KERNEL|__GFP_ZERO` breaks between flags, `pcp/trylock{kernel=rt,corrected=false}` between parameters.
  const text = prose(write?.(cell) ?? NOTHING).replace(/\||\{|,(?=[a-z])/gi, (at) =>
    at === '{' ? '<wbr>{' : `${at}<wbr>`,
  )
  if (at === 0) return text
  if (table.columns[at]?.kind === 'text') return `<td class="t">${text}</td>`
  const difference = comparisonOf(table, row, at)
  return `<td>${text}${difference === undefined ? '' : `<span class="diff ${difference.tone}">${esc(difference.words)}</span>`}</td>`
}

function headOf(column: Column): string {
  const { title, unit, kind, help } = column
  const attributes = `scope="col"${kind === 'text' ? ' class="t"' : ''}${help === undefined ? '' : ` title="${esc(help)}"`}`
  return `<th ${attributes}>${unit === undefined ? prose(headingOf(column)) : `${prose(title)} <span class="unit">${esc(unit)}</span>`}</th>`
}
