/** The pictures of the README: `node --conditions=kreplay-src docs/images/make.ts`, from the report of `npm run demo`. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import sparticuz from '@sparticuz/chromium'
import { chromium } from 'playwright-core'
import { demo } from '../../src/app/index.ts'

const folder = await mkdtemp(join(tmpdir(), 'kreplay-picture-'))
const browser = await chromium.launch({
  executablePath: await sparticuz.executablePath(),
  args: ['--no-sandbox', '--disable-gpu'],
})
try {
  const report = join(folder, 'demo.html')
  await demo(report)
  for (const colorScheme of ['light', 'dark'] as const) {
    const page = await browser.newPage({ colorScheme, viewport: { width: 1280, height: 900 } })
    await page.goto(pathToFileURL(report).href)
    const path = join(import.meta.dirname, `report${colorScheme === 'dark' ? '-dark' : ''}.png`)
    await page.screenshot({ path, clip: { x: 0, y: 0, width: 1280, height: 720 } })
    await page.close()
  }
} finally {
  await browser.close()
  await rm(folder, { recursive: true })
}
