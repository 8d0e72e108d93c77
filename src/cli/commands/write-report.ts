import type { Comparison } from '#metrics'
import { renderHtml } from '#report'
import { writeWhole } from '../terminal.ts'

export async function writeReport(comparison: Comparison, path: string): Promise<void> {
  await writeWhole(path, await renderHtml(comparison))
}
