/// <reference lib="dom" />
import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import sparticuz from '@sparticuz/chromium'
import { type Browser, chromium } from 'playwright-core'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { type ExploreServer, explore } from './index.ts'

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 })

let server: ExploreServer
let browser: Browser

beforeAll(async () => {
  server = await explore({ capture: 'traces/drain-6.12-s', policies: ['pcp/linux-6.12,pcp/work'] })
  browser = await chromium.launch({
    executablePath: await sparticuz.executablePath(),
    args: ['--no-sandbox', '--disable-gpu'],
    headless: true,
  })
})
afterAll(async () => {
  await browser?.close()
  await server?.close()
})

interface Asked {
  readonly path?: string
  readonly method?: string
  readonly headers?: Record<string, string>
  readonly body?: string
}

/** What the server answers to a request with these headers, of which a browser would set some itself. */
const asked = ({ path, method = 'GET', headers = {}, body }: Asked): Promise<{ status: number; text: string }> =>
  new Promise((resolve, reject) => {
    const { port, pathname, host } = new URL(server.address)
    const sent = request(
      { port, path: path ?? pathname, method, headers: { host, ...headers }, host: '127.0.0.1' },
      (response) => {
        let text = ''
        response.on('data', (chunk: Buffer) => {
          text += chunk.toString()
        })
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
      },
    )
    sent.on('error', reject)
    sent.end(body)
  })

test('only who names this machine and knows the token is answered', async () => {
  const { pathname, port } = new URL(server.address)
  expect(pathname).toMatch(/^\/[0-9a-f]{32}\/1\/$/)
  expect((await asked({})).status).toBe(200)
  expect((await asked({ headers: { host: `rebound.example:${port}` } })).status).toBe(403)
  expect((await asked({ headers: { origin: 'https://example.org' } })).status).toBe(403)
  expect((await asked({ path: '/' })).status).toBe(404)
  expect((await asked({ path: `/${'0'.repeat(32)}/1/` })).status).toBe(404)
  expect((await asked({ path: `${pathname}../../etc/passwd` })).status).toBe(404)
  expect((await asked({ method: 'DELETE' })).status).toBe(405)
})

test('what is no question, or too long, is refused', async () => {
  const path = `${new URL(server.address).pathname}ask`
  expect((await asked({ path, method: 'POST', body: '{' })).status).toBe(400)
  expect((await asked({ path, method: 'POST', body: '{"id":1}' })).status).toBe(400)
  expect((await asked({ path, method: 'POST', body: ' '.repeat(1e5) })).status).toBe(413)
  const question = { policies: ['pcp/nothing'], baseline: 'pcp/nothing', set: {} }
  const { text } = await asked({ path, method: 'POST', body: JSON.stringify({ id: 1, quick: true, question }) })
  expect(JSON.parse(text)).toMatchObject({ kind: 'refused', why: expect.stringContaining('unknown policy') })
})

test('the page asks the server, and a trace that is dropped becomes a page', async () => {
  const page = await (await browser.newContext({ viewport: { width: 1280, height: 800 } })).newPage()
  const noise: string[] = []
  page.on('console', (message) => noise.push(`${message.type()}: ${message.text()}`))
  page.on('pageerror', (error) => noise.push(`error: ${error.message}`))
  page.on('request', (one) => {
    if (!one.url().startsWith(new URL(server.address).origin)) noise.push(one.url())
  })
  await page.goto(server.address)
  await page.locator('#ask > summary').click()
  await page.locator('#ask-id').fill('pcp/fixed{high=300,batch=30}')
  await page.locator('#ask-id').blur()
  await page.locator('#ask-add').click()
  await page.locator('#ask[data-answered=whole]').waitFor({ timeout: 120_000 })
  expect((await page.locator('.matrix tbody th').allTextContents()).join()).toContain('pcp/fixed{high=300,batch=30}')

  const drop = (name: string, buffer: Buffer) =>
    page.locator('#drop-file').setInputFiles({ name, mimeType: 'application/octet-stream', buffer })
  await drop('noise.bin', Buffer.from('this is no trace'))
  await expect.poll(() => page.locator('#drop-status').textContent(), { timeout: 60_000 }).not.toMatch(/^(Reading|$)/)
  expect(await page.locator('#drop-status').textContent()).not.toContain('/tmp')
  expect(noise.filter((one) => !one.includes('422'))).toEqual([])
  await drop('pages.dat', readFileSync('traces/pages-7.2-s/trace.dat'))
  await page.waitForURL(/\/3\/$|\/2\/$/, { timeout: 120_000 })
  expect(await page.locator('h1').textContent()).toContain('pages')
})
