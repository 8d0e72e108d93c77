import { createHash } from 'node:crypto'
import { cleanText } from '#kernel/messages'
import type { Comparison } from '#metrics'
import { askData, askPanel, dropZone, SPARE_LINES } from './ask.ts'
import { type Html, html, verbatim } from './escape.ts'
import { figureOf, tableOf } from './html-blocks.ts'
import { matrixOf } from './html-matrix.ts'
import { compose, type Page, type Part } from './page.ts'
import { prose } from './prose.ts'
import { scriptSource } from './runtime/bundle.ts'
import type { Group } from './sections/group.ts'
import { groupQuestions } from './sections/index.ts'
import { withoutData } from './sources.ts'
import { style } from './style.ts'
import { timelineSpec } from './timeline.ts'
import type { Kit } from './worker/kit.ts'

/**
 * One self-contained page: opens from file://, asks the network for nothing, runs one script known by its hash. With a kit it can be asked
 * back: it carries the engine and the demand. `served`: by `kreplay explore`, which answers instead.
 */
export const renderHtml = (comparison: Comparison, kit?: Kit, served = false): Promise<string> =>
  renderPage(compose(comparison), kit, served)

/** A page without charts and matrix runs no script at all. */
export async function renderPage(page: Page, kit?: Kit, served = false): Promise<string> {
  const alive = page.matrices.length > 0 || page.parts.some(({ charts }) => charts.length > 0)
  const [script, specs, data] = await Promise.all([
    alive ? scriptSource('page') : '',
    compiledSpecs(page, kit === undefined ? 0 : SPARE_LINES),
    kit === undefined ? undefined : askData(kit, served),
  ])
  const ask = kit === undefined || data === undefined ? undefined : { panel: askPanel(kit), data }
  return documentOf(page, script.replaceAll('</script', '<\\/script'), specs, ask, served).markup
}

/** JSON inside a script element: no `<` can end it or open a comment. */
const inlineJson = (value: unknown): Html =>
  verbatim(
    JSON.stringify(value, (_, one) => (typeof one === 'string' ? cleanText(one) : one)).replaceAll('<', '\\u003c'),
  )

const hashOf = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`

/** Charts as the page draws them, and as they were written. */
interface Specs {
  readonly compiled: Readonly<Record<string, unknown>>
  readonly sources: Readonly<Record<string, unknown>>
}

/** vega-lite compiles here, so the page carries only vega and no compiler. */
async function compiledSpecs({ parts, timelines }: Page, spare: number): Promise<Specs> {
  const specs = [
    ...timelines.map((timeline, at) => [`when-${at}`, timelineSpec(timeline, spare)] as const),
    ...parts.flatMap(({ charts }) => charts.map(({ id, spec }) => [id, spec] as const)),
  ]
  if (specs.length === 0) return { compiled: {}, sources: {} }
  const { compile } = await import('vega-lite')
  const config = { background: 'transparent' }
  const compiled = Object.fromEntries(specs.map(([id, spec]) => [id, compile(spec, { config }).spec]))
  return { compiled, sources: Object.fromEntries(specs.map(([id, spec]) => [id, withoutData(spec, compiled[id]!)])) }
}

function documentOf(
  page: Page,
  script: string,
  specs: Specs,
  ask: { readonly panel: Html; readonly data: Html } | undefined,
  served: boolean,
): Html {
  const policy = [
    "default-src 'none'",
    script === '' ? "script-src 'none'" : `script-src ${hashOf(script)}`,
    `style-src ${hashOf(style)}`,
    ...(served ? ["connect-src 'self'"] : ask === undefined ? [] : ['worker-src blob:']),
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ')
  const groups = Map.groupBy(page.parts, ({ group }) => group ?? 'first')
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${verbatim(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="kreplay ${page.version}">
<title>${page.title}</title>
<style>${verbatim(style)}</style>
</head>
<body>
<a class="skip" href="#main">Skip to the report</a>
<div class="page">
<header class="top">${page.notModelled.map((sentence) => html`<p class="unmodelled">${sentence}</p>`)}<h1>${page.title}</h1><p class="origin">${page.origin}</p></header>
<main id="main" tabindex="-1">
${
  script === ''
    ? undefined
    : html`<noscript><p class="caveats">Charts need JavaScript, which is off. All of their numbers stand in the tables behind them.</p></noscript>`
}
${(groups.get('first') ?? []).map((part, at) => openPart(part, at === 0 ? [...firstScreen(page), ...(ask === undefined ? [] : [ask.panel]), ...(served ? [dropZone] : [])] : []))}
${[...groups].flatMap(([id, parts]) => (id === 'first' ? [] : [groupOf(id, parts)]))}
</main>
<footer>Made by kreplay ${page.version}. ${served ? 'This page is served by kreplay on this machine and asks nobody else.' : 'This file holds everything it shows and asks the network for nothing.'}</footer>
</div>
${
  script === ''
    ? undefined
    : html`<script type="application/json" id="kreplay-charts">${inlineJson(specs.compiled)}</script>
<script type="application/json" id="kreplay-sources">${inlineJson(specs.sources)}</script>
${ask?.data}
<script>${verbatim(script)}</script>`
}
</body>
</html>
`
}

/** The decision matrix of each capture, and beneath it the timeline. */
const firstScreen = ({ matrices, timelines }: Page): Html[] =>
  matrices.map((matrix, index) => {
    const at = timelines.findIndex(({ capture }) => capture === matrix.capture)
    const timeline = timelines[at]
    return matrixOf(matrix, index, matrices.length > 1, timeline === undefined ? undefined : { ...timeline, at })
  })

const caveatsOf = (caveats: readonly string[]): Html | undefined =>
  caveats.length === 0
    ? undefined
    : html`<ul class="caveats" aria-label="Caveats">${caveats.map((one) => html`<li>${prose(one)}</li>`)}</ul>`

const bodyOf = ({
  paragraphs,
  tables,
  charts,
  caveats,
}: Part): Html => html`${paragraphs.map((one) => html`<p>${prose(one)}</p>`)}
${caveatsOf(caveats)}
${charts.map(figureOf)}
${tables.map(tableOf)}`

/** The first part leads with its finding and what the first screen shows; further caveats are folded. */
function openPart(part: Part, first: readonly Html[]): Html {
  const { id, question } = part.section
  if (first.length === 0)
    return html`<section id="${id}" aria-labelledby="${id}-question"><h2 id="${id}-question">${prose(question)}</h2>
${bodyOf(part)}
</section>`
  const [lead, ...rest] = part.paragraphs
  return html`<section id="${id}" aria-labelledby="${id}-question"><h2 id="${id}-question">${prose(question)}</h2>
${lead === undefined ? undefined : html`<p class="lead">${prose(lead)}</p>`}
${rest.map((one) => html`<p class="trust">${prose(one)}</p>`)}
${first}
${caveatsOf(part.caveats)}
${part.tables.map(tableOf)}
</section>`
}

const groupOf = (
  id: Group['id'],
  parts: readonly Part[],
): Html => html`<section class="group" aria-labelledby="group-${id}">
<h2 id="group-${id}">${groupQuestions[id]}</h2>
${parts.map(foldedPart)}
</section>`

/** What paper shows besides the first screen. */
const PRINTED: ReadonlySet<string> = new Set(['zone-lock', 'interruptions', 'fidelity', 'footprint', 'who-pays'])

const foldedPart = (part: Part): Html => {
  const { id, question } = part.section
  return html`<details class="part" id="${id}"${PRINTED.has(id) ? html` data-print` : undefined}><summary><h3>${prose(question)}</h3></summary>
${bodyOf(part)}
</details>`
}
