/// <reference lib="dom" />
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import sparticuz from '@sparticuz/chromium'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { Recording } from '#events'
import type { PcpComparison } from '#metrics'
import { readCapture } from '#readers'
import { renderHtml } from '#report'
import type { Engine } from '#report/worker'
import { compareRecordings } from './compare.ts'
import { kitOf } from './kit.ts'

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 })

const capture = 'traces/drain-6.12-s'
const policies = ['pcp/linux-6.12', 'pcp/work']
let recording: Recording
let browser: Browser
let folder: string
/** A window of the trace that cuts microseconds. */
let window: { from: number; to: number }

const compared = async (
  asked: { policies: string[]; set?: Record<string, number> },
  span: object,
  take?: (engine: Engine) => void,
): Promise<PcpComparison> =>
  (await compareRecordings(
    { captures: [capture], baseline: policies[0], ...asked, ...span },
    async () => recording,
    take === undefined ? {} : { listener: { take } },
  )) as PcpComparison

beforeAll(async () => {
  recording = await readCapture(capture)
  const { time, zero, length } = recording.events
  const seconds = (row: number) => Number((zero + time[row]! / 1e9).toFixed(6))
  window = { from: seconds(length >> 2), to: seconds((length >> 1) + (length >> 2)) }
  folder = await mkdtemp(join(tmpdir(), 'kreplay-ask-'))
  for (const [name, span] of [
    ['whole.html', {}],
    ['window.html', window],
  ] as const) {
    let engine: Engine | undefined
    const comparison = await compared({ policies }, span, (one) => {
      engine = one
    })
    const question = { policies, baseline: policies[0]!, set: {} }
    const page = await renderHtml(comparison, kitOf(engine!, question, `kreplay compare ${recording.name}`))
    expect(page.length).toBeLessThan(3e6)
    await writeFile(join(folder, name), page)
  }
  browser = await chromium.launch({
    executablePath: await sparticuz.executablePath(),
    args: ['--no-sandbox', '--disable-gpu'],
    headless: true,
  })
})

afterAll(async () => {
  await browser?.close()
  if (folder !== undefined) await rm(folder, { recursive: true })
})

async function open(name: string, hash = '', bypassCSP = false): Promise<{ page: Page; noise: string[] }> {
  const page = await (await browser.newContext({ viewport: { width: 1280, height: 800 }, bypassCSP })).newPage()
  const noise: string[] = []
  page.on('console', (message) => noise.push(`${message.type()}: ${message.text()}`))
  page.on('pageerror', (error) => noise.push(`error: ${error.message}`))
  page.on('request', (request) => {
    // The worker’s own script comes out of the page.
    if (!/^(file|blob):/.test(request.url())) noise.push(`request: ${request.url().slice(0, 100)}`)
  })
  await page.goto(pathToFileURL(join(folder, name)).href + hash)
  await page.evaluate(() => {
    Object.defineProperty(navigator, 'clipboard', {
      value: { writeText: async (text: string) => Object.assign(globalThis, { copied: text }) },
    })
  })
  return { page, noise }
}

const answered = (page: Page) => page.locator('#ask[data-answered=whole]').waitFor({ timeout: 120_000 })

async function copied(page: Page, button: string): Promise<string> {
  await page.locator(button).click()
  return await page.evaluate(() => (globalThis as unknown as { copied: string }).copied)
}

async function add(page: Page, policy: string): Promise<void> {
  await page.locator('#ask > summary').click()
  await page.locator('#ask-id').fill(policy)
  await page.locator('#ask-id').blur()
  await page.locator('#ask-add').click()
  await answered(page)
}

/** Both say the same bytes, but for which commit said it and by what command. What differs is shown by its first bytes: there are many. */
function expectSame(page: PcpComparison, program: PcpComparison): void {
  const text = ({ command: _command, commit: _commit, ...rest }: PcpComparison): string => JSON.stringify(rest)
  const [ours, theirs] = [text(page), text(program)]
  const at = [...ours].findIndex((one, index) => one !== theirs[index])
  const around = (of: string) => (at < 0 ? of.length : of.slice(Math.max(0, at - 60), at + 60))
  expect(around(ours)).toBe(around(theirs))
}

test.each([
  ['whole.html', () => ({})],
  ['window.html', () => window],
])('%s: a policy that the page adds has the numbers of the command line, byte for byte', async (name, span) => {
  const { page, noise } = await open(name)
  await add(page, 'pcp/fixed{high=200,batch=20}')
  const rows = page.locator('.matrix tbody th')
  expect((await rows.allTextContents()).join()).toContain('pcp/fixed{high=200,batch=20}')
  const json = JSON.parse(await copied(page, '#ask-json')) as PcpComparison
  const asked = { policies: [...policies, 'pcp/fixed{high=200,batch=20}'] }
  expectSame(json, await compared(asked, span()))
  const command = await copied(page, '#ask-command')
  expect(command).toContain("--policies 'pcp/linux-6.12,pcp/work,pcp/fixed{high=200,batch=20}'")
  if (name === 'window.html') expect(command).toContain(`--from ${window.from} --to ${window.to}`)
  expect(noise).toEqual([])
})

test('a slider makes a row, a link restores it, and starting over takes it away', async () => {
  const { page, noise } = await open('whole.html')
  const before = await page.locator('.matrix').innerHTML()
  await page.locator('#ask > summary').click()
  await page.locator('#ask-assumed input[type=range]').first().focus()
  for (let press = 0; press < 5; press++) await page.keyboard.press('ArrowRight')
  await answered(page)
  const link = await copied(page, '#ask-link')
  expect(decodeURIComponent(link)).toContain('"workDelayNs":')
  const { workDelayNs } = JSON.parse(decodeURIComponent(link.split('#ask=')[1]!)).s as { workDelayNs: number }
  const json = JSON.parse(await copied(page, '#ask-json')) as PcpComparison
  expectSame(json, await compared({ policies, set: { workDelayNs } }, {}))

  const again = await open('whole.html', link.slice(link.indexOf('#')))
  await answered(again.page)
  expect(await again.page.locator('.matrix').innerHTML()).toBe(await page.locator('.matrix').innerHTML())

  await page.locator('#ask-reset').click()
  expect(await page.locator('.matrix').innerHTML()).toBe(before)
  expect(page.url()).not.toContain('#ask')
  expect([...noise, ...again.noise]).toEqual([])
})

test('what does not exist is refused in words, a damaged link asks nothing, and axe finds nothing serious', async () => {
  const { page, noise } = await open('whole.html', '#ask=%7Bdamaged', true)
  await page.locator('#ask > summary').click()
  await page.locator('#ask-id').fill('<img src=x onerror=alert(1)>')
  await page.locator('#ask-add').click()
  await expect.poll(() => page.locator('#ask-status').textContent()).toMatch(/unknown policy/)
  expect(await page.locator('#ask img').count()).toBe(0)
  await page.evaluate(await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8'))
  const serious = await page.evaluate(async () => {
    const { axe } = globalThis as unknown as {
      axe: { run: (on: object) => Promise<{ violations: { id: string; impact: string }[] }> }
    }
    const { violations } = await axe.run({ include: ['#ask'] })
    return violations.filter(({ impact }) => /serious|critical/.test(impact)).map(({ id }) => id)
  })
  expect(serious).toEqual([])
  expect(noise).toEqual([])
})
