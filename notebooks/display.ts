/** How tables and charts look in a notebook, in this runner and in any kernel that knows `Jupyter.display`. */
import type { ColumnTable } from 'arquero'
import { parse, View } from 'vega'
import { compile, type TopLevelSpec } from 'vega-lite'

const display = Symbol.for('Jupyter.display')

/** An arquero table; `format` writes the numbers of a column. */
export const table = (
  of: ColumnTable,
  { limit = 20, format = {} }: { limit?: number; format?: Record<string, (value: number) => string> } = {},
) => ({
  [display]: () => ({
    'text/html': of.toHTML({ limit, format }),
    'text/markdown': of.toMarkdown({ limit, format }),
  }),
})

/** A vega-lite chart, drawn to SVG: GitHub, VS Code and JupyterLab all show it, and it needs no network. */
export const chart = (spec: TopLevelSpec) => ({
  [display]: async () => {
    const view = new View(parse(compile({ background: '#ffffff', ...spec }).spec), { renderer: 'none' })
    return { 'image/svg+xml': await view.toSVG(), 'text/plain': `[chart: ${String(spec.description ?? '')}]` }
  },
})
