/// <reference lib="dom" />
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import sparticuz from '@sparticuz/chromium'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { renderHtml } from './html.ts'
import { comparisonFixture } from './testing/fixture.ts'
import { hostileComparison } from './testing/hostile.ts'

let browser: Browser
let folder: string
const address = (name: string): string => pathToFileURL(join(folder, name)).href

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kreplay-report-'))
  await writeFile(join(folder, 'report.html'), await renderHtml(comparisonFixture()))
  await writeFile(join(folder, 'hostile.html'), await renderHtml(hostileComparison()))
  browser = await chromium.launch({
    executablePath: await sparticuz.executablePath(),
    args: ['--no-sandbox', '--disable-gpu'],
    headless: true,
  })
})

// A page behind another one is drawn seldom or never.
afterEach(async () => {
  await Promise.all(browser.contexts().map((context) => context.close()))
})

afterAll(async () => {
  await browser?.close()
  if (folder !== undefined) await rm(folder, { recursive: true })
})

interface Opened {
  readonly page: Page
  /** Everything that a quiet page never does: console lines, errors, requests beyond the file itself, dialogs. */
  readonly noise: string[]
}

async function open(name: string, options: BrowserContextOptions): Promise<Opened> {
  const page = await (await browser.newContext(options)).newPage()
  const noise: string[] = []
  page.on('console', (message) => noise.push(`${message.type()}: ${message.text()}`))
  page.on('pageerror', (error) => noise.push(`error: ${error.message}`))
  page.on('request', (request) => {
    if (request.url() !== address(name)) noise.push(`request: ${request.url().slice(0, 100)}`)
  })
  page.on('dialog', (dialog) => {
    noise.push(`dialog: ${dialog.message()}`)
    void dialog.dismiss()
  })
  await page.goto(address(name))
  return { page, noise }
}

/** Scrolls to each figure, as a reader does, and waits until it is drawn. */
async function readThrough(page: Page): Promise<number> {
  const figures = await page.locator('figure').all()
  for (const figure of figures) {
    // Playwright’s own scrolling waits for frames that a busy machine may not draw.
    await figure.evaluate((element) => element.scrollIntoView({ block: 'center' }))
    await figure.and(page.locator('[data-drawn]')).waitFor({ timeout: 60_000 })
  }
  return figures.length
}

const widths = (page: Page): Promise<{ page: number; window: number; plots: number[][] }> =>
  page.evaluate(() => ({
    page: document.documentElement.scrollWidth,
    window: innerWidth,
    plots: [...document.querySelectorAll('.plot')].map((plot) => [
      plot.clientWidth,
      Number(plot.querySelector('svg')?.getAttribute('width')),
    ]),
  }))

const looks: readonly { name: string; theme: 'light' | 'dark'; options: BrowserContextOptions }[] = [
  { name: 'light', theme: 'light', options: { viewport: { width: 1280, height: 900 } } },
  { name: 'dark', theme: 'dark', options: { viewport: { width: 1280, height: 900 }, colorScheme: 'dark' } },
  { name: '400 px', theme: 'light', options: { viewport: { width: 400, height: 800 } } },
]

describe.each(looks)('in a real browser, $name', ({ theme, options }) => {
  test('opens without a word, asks for nothing, draws every chart as wide as its box', async () => {
    const { page, noise } = await open('report.html', options)
    expect(await readThrough(page)).toBe(9)
    expect(await page.locator(`figure[data-drawn=${theme}] .plot svg path`).count()).toBeGreaterThan(20)
    const { page: pageWidth, window, plots } = await widths(page)
    expect(pageWidth).toBeLessThanOrEqual(window)
    for (const [box, drawn] of plots) expect(Math.abs((box ?? 0) - (drawn ?? 0))).toBeLessThanOrEqual(2)
    expect(noise).toEqual([])
    await page.context().close()
  })

  test('axe finds nothing serious', async () => {
    const { page } = await open('report.html', { ...options, bypassCSP: true })
    await readThrough(page)
    await page.locator('details').evaluateAll((all) => {
      for (const one of all as HTMLDetailsElement[]) one.open = true
    })
    await page.evaluate(await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8'))
    const found = await page.evaluate(async () => {
      const { axe } = globalThis as unknown as { axe: { run: () => Promise<AxeResult> } }
      interface AxeResult {
        violations: { id: string; impact: string; nodes: { html: string }[] }[]
      }
      const { violations } = await axe.run()
      return violations.map(({ id, impact, nodes }) => `${impact} ${id}: ${nodes[0]?.html}`)
    })
    expect(found.filter((one) => /^(serious|critical)/.test(one))).toEqual([])
    await page.context().close()
  })
})

test('a change of colours or width redraws; paper gets every chart in light, and open tables', async () => {
  const { page, noise } = await open('report.html', looks[0]?.options ?? {})
  await readThrough(page)
  await page.emulateMedia({ colorScheme: 'dark' })
  await page.locator('figure[data-drawn=dark]').nth(7).waitFor()
  await page.setViewportSize({ width: 600, height: 800 })
  await expect
    .poll(async () => (await widths(page)).plots.every(([box, drawn]) => Math.abs((box ?? 0) - (drawn ?? 0)) <= 2), {
      timeout: 10_000,
    })
    .toBe(true)
  await page.emulateMedia({ media: 'print', colorScheme: 'dark' })
  await page.locator('figure[data-drawn=light]').nth(7).waitFor()
  expect(await page.locator('details:not([open])').count()).toBe(0)
  expect(await page.evaluate(() => getComputedStyle(document.body).backgroundColor)).toBe('rgb(255, 255, 255)')
  await page.emulateMedia({ media: 'screen', colorScheme: 'dark' })
  await page.locator('figure[data-drawn=dark]').nth(7).waitFor()
  expect(await page.locator('details[open]').count()).toBe(0)
  expect(noise).toEqual([])
  await page.context().close()
})

test('printing before anything was scrolled to draws all charts first', async () => {
  const { page } = await open('report.html', { viewport: { width: 1280, height: 300 } })
  expect(await page.locator('figure[data-drawn]').count()).toBeLessThan(6)
  expect((await page.pdf({ format: 'A4' })).length).toBeGreaterThan(50_000)
  expect(await page.locator('figure[data-drawn]').count()).toBe(9)
  await page.context().close()
})

test('the keyboard reaches the content first, then tables and what lies behind charts', async () => {
  const { page } = await open('report.html', looks[0]?.options ?? {})
  await page.keyboard.press('Tab')
  expect(await page.evaluate(() => document.activeElement?.className)).toBe('skip')
  await page.keyboard.press('Enter')
  expect(await page.evaluate(() => document.activeElement?.id)).toBe('main')
  await page.locator('summary').first().focus()
  await page.keyboard.press('Enter')
  expect(await page.locator('details').first().getAttribute('open')).toBe('')
  await page.context().close()
})

test('names from a trace never run', async () => {
  const { page, noise } = await open('hostile.html', looks[0]?.options ?? {})
  expect(await readThrough(page)).toBe(9)
  expect(await page.locator('main img, main script').count()).toBe(0)
  expect(await page.locator('.plot').first().textContent()).toContain('<img src=x onerror=alert(1)>')
  expect(noise).toEqual([])
  await page.context().close()
})

test('without scripts the tables are all there and the page says so', async () => {
  const { page } = await open('report.html', { javaScriptEnabled: false })
  expect(await page.locator('table').count()).toBeGreaterThan(15)
  expect(await page.locator('noscript').textContent()).toContain('tables behind them')
  await page.context().close()
})
