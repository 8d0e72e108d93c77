import { checkOutput, version, writeWhole } from '#app'
import { infoOf } from '#metrics'
import { composeInfo, renderPage } from '#report'
import { outputAs } from '../output.ts'
import { printJson } from '../terminal.ts'
import { printPage } from './print-page.ts'
import { type ExitCode, PAGE, read } from './shared.ts'

export interface InfoOptions {
  readonly capture: string
  readonly json: boolean
  readonly markdown: boolean
  /** Rows of each table. */
  readonly top: number
  /** Where the same goes as a page. */
  readonly html?: string | undefined
  readonly probes?: string | undefined
}

export async function info({ capture, json, markdown, top, html, probes }: InfoOptions): Promise<ExitCode> {
  if (html !== undefined) checkOutput(html, PAGE)
  const found = infoOf(await read(capture, probes))
  const page = composeInfo(found, version, top)
  if (html !== undefined) await writeWhole(html, await renderPage(page))
  if (json) {
    printJson(found)
    return 0
  }
  const out = outputAs({ markdown })
  printPage(page, out)
  if (html !== undefined) out.line(`\nThe same as a page: ${html}`)
  return 0
}
