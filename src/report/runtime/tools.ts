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

/** Twice the size on the screen: sharp on paper and on dense screens. */
const SCALE = 2

/** A chart on the ground that it has in the page. */
async function pngOf(view: View, figure: HTMLElement): Promise<Blob | undefined> {
  const drawn = await view.toCanvas(SCALE)
  const whole = document.createElement('canvas')
  whole.width = drawn.width
  whole.height = drawn.height
  const context = whole.getContext('2d')
  if (context === null) return undefined
  context.fillStyle = getComputedStyle(figure).backgroundColor
  context.fillRect(0, 0, whole.width, whole.height)
  context.drawImage(drawn, 0, 0)
  return await new Promise((resolve) => whole.toBlob((blob) => resolve(blob ?? undefined), 'image/png'))
}

/** To the clipboard; where a page may not put pictures there, as a file. */
async function copyPicture(blob: Blob, name: string): Promise<void> {
  try {
    await navigator.clipboard.write([new ClipboardItem({ [blob.type]: blob })])
  } catch {
    const link = document.createElement('a')
    link.href = URL.createObjectURL(blob)
    link.download = `${name}.png`
    link.click()
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000)
  }
}

/** Buttons that copy a chart as SVG, PNG or vega-lite, or its numbers as CSV. `sourceOf`: the chart in vega-lite. */
export function addTools(figure: HTMLElement, viewOf: () => View | undefined, sourceOf: () => unknown): void {
  const tools = document.createElement('div')
  tools.className = 'tools'
  const copyText = async (text: string | undefined): Promise<boolean> => {
    if (text === undefined) return false
    await copy(text)
    return true
  }
  const add = (label: string, full: string, act: () => Promise<boolean>): void => {
    const button = document.createElement('button')
    button.type = 'button'
    button.textContent = label
    button.setAttribute('aria-label', full)
    button.addEventListener('click', async () => {
      if (!(await act())) return
      button.textContent = '✓'
      setTimeout(() => {
        button.textContent = label
      }, 1500)
    })
    tools.append(button)
  }
  add('SVG', 'Copy as SVG', async () => copyText(await viewOf()?.toSVG()))
  add('PNG', 'Copy as PNG', async () => {
    const view = viewOf()
    const blob = view === undefined ? undefined : await pngOf(view, figure)
    if (blob === undefined) return false
    await copyPicture(blob, figure.id)
    return true
  })
  add('CSV', 'Copy numbers as CSV', async () => copyText(csvOf(figure)))
  add('vega-lite', 'Copy as vega-lite', async () => {
    const source = sourceOf()
    return copyText(source === undefined ? undefined : JSON.stringify(source, null, 1))
  })
  figure.querySelector('figcaption')?.prepend(tools)
}
