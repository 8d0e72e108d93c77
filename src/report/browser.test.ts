/// <reference lib="dom" />
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import sparticuz from '@sparticuz/chromium'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { renderHtml } from './html.ts'
import { comparisonFixture } from './testing/fixture.ts'
import { hostileComparison } from './testing/hostile.ts'

// A chart takes seconds to draw where many share the machine.
vi.setConfig({ testTimeout: 300_000 })

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

const size = { width: 1280, height: 800 }

/** Unfolds every section and waits until each chart is drawn. */
async function readThrough(page: Page): Promise<number> {
  await page.locator('details.part').evaluateAll((all) => {
    for (const one of all as HTMLDetailsElement[]) one.open = true
  })
  const figures = await page.locator('figure').all()
  for (const figure of figures) {
    // Playwright’s own scrolling waits for frames that a busy machine may not draw.
    await figure.evaluate((element) => element.scrollIntoView({ block: 'center' }))
    await figure.and(page.locator('[data-drawn]')).waitFor({ timeout: 60_000 })
  }
  return figures.length
}

/** Boxes that are wider than what holds them. */
const tooWide = (page: Page): Promise<string[]> =>
  page.evaluate(() => [
    ...(document.documentElement.scrollWidth > innerWidth ? [`page ${document.documentElement.scrollWidth}`] : []),
    ...[...document.querySelectorAll('.table, .plot')]
      .filter((box) => box.scrollWidth > box.clientWidth + 1)
      .map((box) => `${box.getAttribute('aria-label')}: ${box.scrollWidth} > ${box.clientWidth}`),
  ])

const seriousOf = async (page: Page, part: string): Promise<string[]> => {
  const found = await page.evaluate(async (part) => {
    const { axe } = globalThis as unknown as { axe: { run: (on: object) => Promise<AxeResult> } }
    interface AxeResult {
      violations: { id: string; impact: string; nodes: { html: string }[] }[]
    }
    const { violations } = await axe.run({ include: [part], exclude: ['.plot'] })
    return violations.map(({ id, impact, nodes }) => `${impact} ${id}: ${nodes[0]?.html}`)
  }, part)
  return found.filter((one) => /^(serious|critical)/.test(one))
}

test('folded, the first screen answers and the page is short', async () => {
  const { page, noise } = await open('report.html', { viewport: size })
  await page.locator('.when[data-drawn=light]').waitFor()
  const { screens, end } = await page.evaluate(() => ({
    screens: document.documentElement.scrollHeight / innerHeight,
    end: document.querySelector('.when')?.getBoundingClientRect().bottom ?? 0,
  }))
  expect(end).toBeLessThanOrEqual(size.height)
  expect(screens).toBeLessThanOrEqual(6)
  expect(await page.locator('.matrix tbody tr').count()).toBe(6)
  expect(noise).toEqual([])
})

/** docs/questions.md asks them in words: where on the page the answer stands, and what it looks like. */
const cellOf = (policy: string, measure: string): string =>
  `.matrix tr[data-policy="${policy}"] td[data-measure=${measure}]`
const tenQuestions: readonly (readonly [place: string, answer: RegExp])[] = [
  [cellOf('pcp/trylock', 'isolatedInterruptions'), /^−100 % ✓ settled0$/],
  ['p.lead', /isolated CPU 3: 5/],
  [cellOf('pcp/linux-6.1', 'zoneLocks'), /^−0\.59 % ✓ settled3,019$/],
  ['.matrix tfoot', /model error, worst window.*0\.40 %/],
  ['.matrix caption', /Requester waits rest on assumed delays/],
  [cellOf('pcp/rcu-swap', 'fastPathSteps'), /^\+100 % \? unchecked553,832$/],
  [cellOf('pcp/linux-6.1', 'strandedPages'), /^\+11 % \? unchecked113$/],
  [cellOf('pcp/linux-6.1', 'zoneLockPages'), /^\+15 % ✓ settled11,847$/],
  ['.matrix tr.bound', /^pcp\/none bound.*× 45\.9 ✓/],
  ['.when figcaption', /▼ drain requests/],
]

test('ten questions of a kernel developer are answered on the first screen', async () => {
  const { page } = await open('report.html', { viewport: size })
  await page.locator('.when[data-drawn=light]').waitFor()
  const found = await page.evaluate(
    (places) =>
      places.map((place) => {
        const element = document.querySelector(place)
        return { text: element?.textContent?.trim(), bottom: element?.getBoundingClientRect().bottom ?? Infinity }
      }),
    tenQuestions.map(([place]) => place),
  )
  tenQuestions.forEach(([, answer], at) => {
    expect(found[at]!.text).toMatch(answer)
    expect(found[at]!.bottom).toBeLessThanOrEqual(size.height)
  })
})

test('the matrix sorts, leads to its sections, and follows a window of the timeline', async () => {
  const { page, noise } = await open('report.html', { viewport: size })
  await page.locator('.when[data-drawn=light]').waitFor()
  const names = () => page.locator('.matrix tbody th').allTextContents()
  await page.locator('.matrix thead button', { hasText: 'moved under it' }).click()
  expect((await names())[0]).toContain('recorded')
  expect((await names()).at(-1)).toContain('pcp/none')
  await page.locator('.matrix thead button', { hasText: 'moved under it' }).click()
  expect((await names())[1]).toContain('pcp/none')

  const cell = page.locator('.matrix tr.baseline td[data-measure=zoneLockPages]')
  const whole = await cell.locator('.value').textContent()
  const plot = (await page.locator('.when .plot').boundingBox())!
  await page.mouse.move(plot.x + plot.width * 0.3, plot.y + 60)
  await page.mouse.down()
  await page.mouse.move(plot.x + plot.width * 0.6, plot.y + 60, { steps: 4 })
  await page.mouse.up()
  await page.locator('.when .window:not([hidden])').waitFor()
  expect(await cell.locator('.value').textContent()).not.toBe(whole)

  await page.locator('.matrix a[href="#zone-lock"]').first().click()
  expect(await page.locator('#zone-lock').getAttribute('open')).toBe('')
  expect(noise).toEqual([])
})

test('everything open: nothing is wider than its card, every chart is drawn, axe finds nothing serious', async () => {
  const { page, noise } = await open('report.html', { viewport: size, bypassCSP: true })
  expect(await readThrough(page)).toBe(11)
  await page.evaluate(await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8'))
  expect(await tooWide(page)).toEqual([])
  expect(await seriousOf(page, 'body')).toEqual([])
  await page.emulateMedia({ colorScheme: 'dark' })
  await page.locator('.when[data-drawn=dark]').waitFor()
  expect(await seriousOf(page, '#headline')).toEqual([])
  for (const width of [768, 400]) {
    await page.setViewportSize({ width, height: 800 })
    await expect.poll(() => tooWide(page), { timeout: 20_000 }).toEqual([])
  }
  expect(noise).toEqual([])
})

test('paper shows the first screen and what matters, in light, on at most 8 pages', async () => {
  const { page } = await open('report.html', { viewport: size, colorScheme: 'dark' })
  const pdf = (await page.pdf({ format: 'A4' })).toString('latin1')
  const printed = pdf.match(/\/Type\s*\/Page\b(?!s)/g)?.length ?? 0
  expect(printed).toBeGreaterThan(0)
  expect(printed).toBeLessThanOrEqual(8)
  expect(await page.locator('details[data-print] figure[data-drawn]').count()).toBeGreaterThan(1)
  await page.emulateMedia({ media: 'print', colorScheme: 'dark' })
  await page.locator('.when[data-drawn=light]').waitFor()
  expect(await page.evaluate(() => getComputedStyle(document.body).backgroundColor)).toBe('rgb(255, 255, 255)')
  await page.emulateMedia({ media: 'screen', colorScheme: 'dark' })
  await page.locator('.when[data-drawn=dark]').waitFor()
  expect(await page.locator('details[open]').count()).toBe(0)
})

test('the keyboard reaches the content first, then sorts, links and folds', async () => {
  const { page } = await open('report.html', { viewport: size })
  await page.keyboard.press('Tab')
  expect(await page.evaluate(() => document.activeElement?.className)).toBe('skip')
  await page.keyboard.press('Enter')
  expect(await page.evaluate(() => document.activeElement?.id)).toBe('main')
  await page.locator('.matrix thead button').first().focus()
  await page.keyboard.press('Enter')
  expect(await page.locator('.matrix th[aria-sort=ascending]').count()).toBe(1)
  await page.locator('summary').first().focus()
  await page.keyboard.press('Enter')
  expect(await page.locator('details').first().getAttribute('open')).toBe('')
})

test('names from a trace never run', async () => {
  const { page, noise } = await open('hostile.html', { viewport: size })
  expect(await readThrough(page)).toBe(11)
  expect(await page.locator('main img, main script').count()).toBe(0)
  expect(await page.locator('.matrix tbody').textContent()).toContain('<img src=x onerror=alert(1)>')
  expect(noise).toEqual([])
})

test('without scripts the tables are all there and the page says so', async () => {
  const { page } = await open('report.html', { javaScriptEnabled: false })
  expect(await page.locator('table').count()).toBeGreaterThan(15)
  expect(await page.locator('noscript').textContent()).toContain('tables behind them')
})
