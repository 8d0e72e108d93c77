import { type Comparison, comparisonSchema } from '#metrics'
import { readJson } from '#readers'
import { type Page, renderHtml, renderMarkdown, renderPage, renderPerfetto } from '#report'
import type { Kit } from '#report/worker'
import { checkOutput, writeWhole } from './write-files.ts'

export const PAGE = ['.html', '.htm']
export const PERFETTO = ['.pftrace', '.perfetto-trace']
/** Endings of the files that a comparison can be written to, besides `.json`. */
export const REPORT = [...PAGE, '.md', ...PERFETTO, '.parquet']

export const isPage = (path: string): boolean => PAGE.some((end) => path.endsWith(end))

/** A comparison as a report, HTML or Markdown by the file's name. With a kit, a page can be asked back. */
export async function writeReport(comparison: Comparison, path: string, kit?: Kit): Promise<void> {
  await writeWhole(path, await rendered(comparison, path, kit))
}

async function rendered(comparison: Comparison, path: string, kit: Kit | undefined): Promise<string | Uint8Array> {
  if (path.endsWith('.md')) return renderMarkdown(comparison)
  if (path.endsWith('.parquet')) return (await import('./result-table.ts')).resultTable(comparison)
  if (PERFETTO.some((end) => path.endsWith(end))) return renderPerfetto(comparison)
  return await renderHtml(comparison, kit)
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
