import { infoOf } from '#metrics'
import { composeInfo, renderPage } from '#report'
import { checkOutput, print, printJson, writeWhole } from '../terminal.ts'
import { version } from '../version.ts'
import { printPage } from './print-page.ts'
import { type ExitCode, REPORT, read } from './shared.ts'

export interface InfoOptions {
  readonly capture: string
  readonly json: boolean
  /** Rows of each table. */
  readonly top: number
  /** Where the same goes as a page. */
  readonly html?: string | undefined
  readonly probes?: string | undefined
}

export async function info({ capture, json, top, html, probes }: InfoOptions): Promise<ExitCode> {
  if (html !== undefined) checkOutput(html, REPORT)
  const found = infoOf(await read(capture, probes))
  const page = composeInfo(found, version, top)
  if (html !== undefined) await writeWhole(html, await renderPage(page))
  if (json) {
    printJson(found)
    return 0
  }
  print(page.title)
  printPage(page)
  if (html !== undefined) print(`\nThe same as a page: ${html}`)
  return 0
}
