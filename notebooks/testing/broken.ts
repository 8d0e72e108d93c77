import { writeFile } from 'node:fs/promises'
import { expect } from 'vitest'
import { formatNotebook, readNotebook, runNotebook } from '../run.ts'

/** Breaks the first, the middle and the last code cell in a copy at `scratch`: each run must name the cell and the line. */
export async function failsWhereBroken(file: string, scratch: string): Promise<void> {
  const notebook = await readNotebook(file)
  const code = notebook.cells.filter((cell) => cell.cell_type === 'code')
  for (const at of [0, Math.trunc(code.length / 2), code.length - 1]) {
    const broken = structuredClone(notebook)
    const cell = broken.cells.filter((one) => one.cell_type === 'code')[at]!
    cell.source = `${[cell.source].flat().join('')}\n;throw new Error('broken on purpose')\n`
    await writeFile(scratch, formatNotebook(broken))
    const last = [cell.source].flat().join('').trimEnd().split('\n').length
    await expect(runNotebook(scratch)).rejects.toThrow(`cell [${at + 1}], line ${last}: Error: broken on purpose`)
  }
}
