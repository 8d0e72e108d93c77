/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import type { View } from 'vega'
import type { Answer, Steps } from '../worker/messages.ts'
import { isSteps, startMatrices } from './matrix.ts'

/** Names of lines that a timeline has room for: its chart calls them by their series. */
const SPARE = '@line:'

export const lineNames = {
  of: {} as Readonly<Record<string, string>>,
  /** What a tooltip calls an entry; undefined for a line that nothing stands on. */
  nameOf(key: string): string | undefined {
    return key.startsWith(SPARE) ? lineNames.of[key.slice(SPARE.length)] : key
  },
}

interface Dataset {
  name: string
  values?: unknown
}

type Part = HTMLElement | undefined

/** Puts an answer in the place of the first matrix and its timeline, and takes it away again. */
export function answerShower(
  specs: Record<string, unknown>,
  viewOf: (figure: HTMLElement) => View | undefined,
): (answer: Answer | undefined) => void {
  const figure = document.querySelector<HTMLElement>('figure.when') ?? undefined
  const select = figure?.querySelector<HTMLSelectElement>('select[data-measure-of]') ?? undefined
  const datasets = (specs[figure?.id ?? ''] as { data?: Dataset[] } | undefined)?.data ?? []
  const lines = datasets.find(({ values }) => Array.isArray(values) && values.some(isSteps))
  const whole = { matrix: matrix()?.outerHTML ?? '', lines: lines?.values, options: select?.innerHTML ?? '' }
  return (answer) => {
    lineNames.of = answer?.names ?? {}
    setMatrix(answer?.matrix ?? whole.matrix)
    if (figure === undefined || lines === undefined) return
    setLines(lines, (answer?.lines ?? whole.lines) as Steps[], viewOf(figure))
    setMeasures(select, answer?.measures)
    startMatrices(specs)
  }

  function setMeasures(of: HTMLSelectElement | undefined, measures: Answer['measures'] | undefined): void {
    if (of === undefined) return
    const chosen = of.value
    if (measures === undefined) of.innerHTML = whole.options
    else
      of.replaceChildren(
        ...measures.map(({ id, title, kind }) => new Option(kind === 'sum' ? `${title}, adding up` : title, id)),
      )
    of.value = chosen
    if (of.value !== chosen) {
      of.selectedIndex = 0
      of.dispatchEvent(new Event('change'))
    }
  }
}

const matrix = (): Part => document.querySelector<HTMLElement>('.table.matrix') ?? undefined

/** The markup is the report’s own: its worker writes it by the same functions, which escape all that a trace or a reader names. */
function setMatrix(markup: string): void {
  const template = document.createElement('template')
  template.innerHTML = markup
  matrix()?.replaceWith(template.content)
}

function setLines(dataset: Dataset, values: Steps[], view: View | undefined): void {
  dataset.values = values
  // vega writes its own marks into what it is given.
  if (view !== undefined) void view.data(dataset.name, structuredClone(values)).runAsync()
}
