/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import type { View } from 'vega'

/** A cell of CSV: quoted where it must be. */
const csv = (text: string): string => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)

/** The table behind a chart, or the matrix above a timeline, as CSV. */
function csvOf(figure: HTMLElement): string | undefined {
  const table =
    figure.querySelector('details.behind table') ?? document.querySelector(`table[data-timeline="${figure.id}"]`)
  if (table === null) return undefined
  const cellsOf = (row: HTMLTableRowElement) =>
    [...row.cells].map((cell) => {
      const value = cell.dataset.value ?? (cell.querySelector('.value') ?? cell).textContent ?? ''
      return csv(value.trim().replace(/\s+/g, ' '))
    })
  return [...table.querySelectorAll('tr')].map((row) => `${cellsOf(row).join(',')}\n`).join('')
}

export async function copy(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text)
  } catch {
    // Pages from file:// may have no clipboard of their own.
    const area = document.createElement('textarea')
    area.value = text
    document.body.append(area)
    area.select()
    document.execCommand('copy')
    area.remove()
  }
}

/** Buttons that copy a chart as SVG, or its numbers as CSV. */
export function addTools(figure: HTMLElement, viewOf: () => View | undefined): void {
  const tools = document.createElement('div')
  tools.className = 'tools'
  const add = (label: string, text: () => Promise<string | undefined>): void => {
    const button = document.createElement('button')
    button.type = 'button'
    button.textContent = label
    button.addEventListener('click', async () => {
      const copied = await text()
      if (copied === undefined) return
      await copy(copied)
      button.textContent = 'Copied'
      setTimeout(() => {
        button.textContent = label
      }, 1500)
    })
    tools.append(button)
  }
  add('Copy SVG', async () => viewOf()?.toSVG())
  add('Copy CSV', async () => csvOf(figure))
  figure.querySelector('figcaption')?.prepend(tools)
}
