import { writeWhole } from '#app'
import type { Comparison } from '#metrics'
import { renderHtml, renderMarkdown } from '#report'

export async function writeReport(comparison: Comparison, path: string): Promise<void> {
  await writeWhole(path, path.endsWith('.md') ? renderMarkdown(comparison) : await renderHtml(comparison))
}
