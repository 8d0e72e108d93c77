import { type Comparison, comparisonSchema } from '#metrics'
import { readJson } from '#readers'
import { type Kit, type Page, renderHtml, renderMarkdown, renderPage } from '#report'
import { checkOutput, writeWhole } from './write-files.ts'

export const PAGE = ['.html', '.htm']
export const REPORT = [...PAGE, '.md']

export const isPage = (path: string): boolean => PAGE.some((end) => path.endsWith(end))

/** A comparison as a report, HTML or Markdown by the file's name. With a kit, a page can be asked back. */
export async function writeReport(comparison: Comparison, path: string, kit?: Kit): Promise<void> {
  await writeWhole(path, path.endsWith('.md') ? renderMarkdown(comparison) : await renderHtml(comparison, kit))
}

/** Reads what `compare --json` printed and writes its report. */
export async function renderResult(input: string, output: string): Promise<Comparison> {
  checkOutput(output, REPORT)
  const comparison = await readJson(input, comparisonSchema, 'Give a result that `kreplay compare --json` printed.')
  await writeReport(comparison, output)
  return comparison
}

/** Refuses a name that is no page's, before `make` runs. */
export async function writePage(path: string, make: () => Promise<Page>): Promise<Page> {
  checkOutput(path, PAGE)
  const page = await make()
  await writeWhole(path, await renderPage(page))
  return page
}
