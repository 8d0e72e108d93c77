/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
/**
 * The only code that runs in a report: draws each chart when it comes near the screen, in the colours of the page,
 * and again when the colours, the width or the medium change. `bundle.ts` makes one script of it.
 */
import { type Config, parse, type Spec, View } from 'vega'
import { expressionInterpreter } from 'vega-interpreter'
import { withData } from '../sources.ts'
import { answerShower, lineNames } from './answers.ts'
import { startAsk } from './ask.ts'
import { startDrop } from './drop.ts'
import { nameHidden, showWindow, startMatrices } from './matrix.ts'
import { configOf, type Theme, themed, themes } from './theme.ts'
import { addTools } from './tools.ts'

type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

const specs: Record<string, Json> = JSON.parse(document.getElementById('kreplay-charts')?.textContent ?? '{}')
const sources: Record<string, Json> = JSON.parse(document.getElementById('kreplay-sources')?.textContent ?? '{}')
/** By it other programs know what a copied chart is. */
const SCHEMA = 'https://vega.github.io/schema/vega-lite/v6.json'
const figures = [...document.querySelectorAll<HTMLElement>('figure[data-chart]')]
const drawn = new Map<HTMLElement, { view: View; theme: Theme; width: number }>()
const dark = matchMedia('(prefers-color-scheme: dark)')
const paper = matchMedia('print')
let printing = paper.matches

const tip = document.createElement('div')
tip.className = 'tip'
tip.hidden = true
tip.setAttribute('aria-hidden', 'true')
document.body.append(tip)

function showTip(event: MouseEvent, value: unknown): void {
  tip.hidden = value === null || value === undefined || value === ''
  if (tip.hidden) return
  tip.replaceChildren(
    ...Object.entries(value as Record<string, unknown>).flatMap(([key, one]) => {
      const name = lineNames.nameOf(key)
      if (name === undefined) return []
      const line = document.createElement('div')
      line.textContent = `${name}: ${String(one)}`
      return [line]
    }),
  )
  const left = Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8)
  tip.style.left = `${Math.max(8, left)}px`
  tip.style.top = `${Math.min(event.clientY + 14, innerHeight - tip.offsetHeight - 8)}px`
}

const currentTheme = (): Theme => (dark.matches && !printing ? themes.dark : themes.light)

/** The width of a plot without its axes and headers is a signal: of each row in small multiples, else of the chart. */
const WIDTHS = ['child_width', 'width']

async function draw(figure: HTMLElement): Promise<void> {
  const plot = figure.querySelector<HTMLElement>('.plot')
  const spec = specs[figure.dataset.chart ?? '']
  if (plot === null || spec === undefined) return
  const theme = currentTheme()
  const width = Math.floor(plot.clientWidth)
  if (width === 0) return
  const before = drawn.get(figure)
  if (before?.theme === theme && before.width === width) return
  before?.view.finalize()
  plot.replaceChildren()
  const view = new View(parse(themed(spec, theme) as Spec, configOf(theme) as Config, { ast: true }), {
    container: plot,
    renderer: 'svg',
    hover: false,
    expr: expressionInterpreter,
    tooltip: (_handler: unknown, event: MouseEvent, _item: unknown, value: unknown) => showTip(event, value),
    // biome-ignore lint/suspicious/noExplicitAny: vega's types lack `expr` and take only a class for `tooltip`
  } as any)
  drawn.set(figure, { view, theme, width })
  const chosen = document.querySelector<HTMLSelectElement>(`select[data-measure-of="${figure.id}"]`)
  if (chosen !== null) view.signal('measure', chosen.value)
  // vega sizes the picture in a pulse of its own after the first, so both are awaited. Only microtasks are: a page
  // about to be printed is drawn before the printer looks.
  await view.runAsync()
  const svg = plot.querySelector('svg')
  const inner = WIDTHS.find((name) => name in view.getState().signals)
  if (inner !== undefined) {
    // Axes and headers take what they need; the plot itself gets the rest.
    const taken = Number(svg?.getAttribute('width') ?? 0) - Number(view.signal(inner))
    await view
      .signal(inner, Math.max(120, width - Math.ceil(taken)))
      .resize()
      .runAsync()
  }
  if (drawn.get(figure)?.view !== view) return
  // The figure is one image with a text and a table behind it.
  svg?.setAttribute('aria-hidden', 'true')
  svg?.setAttribute('focusable', 'false')
  figure.dataset.drawn = theme.name
  if (figure.classList.contains('when')) watchWindow(figure, view)
}

/** A window of the timeline that is brushed: the matrix above shows what happened within it. */
function watchWindow(figure: HTMLElement, view: View): void {
  if (!('brush' in view.getState().signals)) return
  view.addSignalListener('brush', (_name, value) => {
    const range = (value as { t?: [number, number] } | undefined)?.t
    showWindow(figure, Array.isArray(range) ? [Math.min(...range), Math.max(...range)] : undefined)
  })
}

const near = new IntersectionObserver(
  (entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue
      near.unobserve(target)
      void draw(target as HTMLElement)
    }
  },
  { rootMargin: '600px' },
)
for (const figure of figures) near.observe(figure)

const redraw = (): void => {
  for (const figure of drawn.keys()) void draw(figure)
}
dark.addEventListener('change', redraw)

let pending = 0
new ResizeObserver(() => {
  clearTimeout(pending)
  pending = window.setTimeout(redraw, 120)
}).observe(document.body)

for (const select of document.querySelectorAll<HTMLSelectElement>('select[data-measure-of]')) {
  select.addEventListener('change', () => {
    const figure = document.getElementById(select.dataset.measureOf ?? '')
    const view = figure === null ? undefined : drawn.get(figure)?.view
    if (figure !== null) nameHidden(figure, select.value)
    if (view !== undefined) void view.signal('measure', select.value).runAsync()
  })
}

startMatrices(specs)
startDrop()
startAsk(answerShower(specs, (figure) => drawn.get(figure)?.view))
for (const figure of figures) {
  const { chart = '' } = figure.dataset
  const sourceOf = () => {
    const source = { $schema: SCHEMA, ...(withData(sources[chart], specs[chart] as object) as object) }
    return themed(source, currentTheme())
  }
  addTools(figure, () => drawn.get(figure)?.view, sourceOf)
}

/** What a link or a cell points to is unfolded. */
function unfold(id: string): void {
  if (id.startsWith('ask=')) return
  const target = document.getElementById(id)
  const details = target?.closest('details')
  if (details) details.open = true
  target?.scrollIntoView()
}
addEventListener('hashchange', () => unfold(decodeURIComponent(location.hash.slice(1))))
if (location.hash !== '') unfold(decodeURIComponent(location.hash.slice(1)))
document.addEventListener('click', ({ target }) => {
  if (!(target instanceof Element)) return
  const opens = target.closest<HTMLElement>('td[data-opens]')?.dataset.opens
  const link = target.closest<HTMLAnchorElement>('a[href^="#"]')
  if (opens !== undefined) unfold(opens)
  else if (link !== null) unfold(link.hash.slice(1))
})

const opened = new Set<HTMLDetailsElement>()
function setPrinting(on: boolean): void {
  printing = on
  if (on) {
    for (const details of document.querySelectorAll<HTMLDetailsElement>('details[data-print]')) {
      if (details.open) continue
      details.open = true
      opened.add(details)
    }
    for (const figure of figures) void draw(figure)
  } else {
    for (const details of opened) details.open = false
    opened.clear()
    redraw()
  }
}
addEventListener('beforeprint', () => setPrinting(true))
addEventListener('afterprint', () => setPrinting(false))
paper.addEventListener('change', ({ matches }) => setPrinting(matches))
if (printing) setPrinting(true)
