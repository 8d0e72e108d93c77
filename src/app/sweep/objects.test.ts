import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { localCapture } from './local-capture.ts'

const bytes = Buffer.from('a capture, as far as anybody looks into it here')
const sha256 = createHash('sha256').update(bytes).digest('hex')
const cache = mkdtempSync(join(tmpdir(), 'kreplay-cache-'))

let server: Server
let base = ''
let asked: { url: string; authorization: string | undefined }[] = []

beforeAll(async () => {
  let failures = 0
  server = createServer((request, response) => {
    const { url = '' } = request
    asked.push({ url, authorization: request.headers.authorization })
    if (url === '/busy.tar' && failures++ < 2) response.writeHead(503).end()
    else if (url === '/gone.tar') response.writeHead(404).end()
    else if (url === '/cut.tar') {
      response.writeHead(200, { 'content-length': bytes.length + 10 }).write(bytes)
      setTimeout(() => response.destroy(), 20)
    } else if (url === '/changed.tar') response.writeHead(200).end('other bytes')
    else response.writeHead(200, { 'content-length': bytes.length }).end(bytes)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  base = `http://127.0.0.1:${(server.address() as { port: number }).port}`
})
afterAll(() => {
  server.close()
  vi.unstubAllEnvs()
  rmSync(cache, { recursive: true, force: true })
})

const fetched = (at: string, digest?: string) =>
  localCapture({ at, name: 'box.tar', ...(digest === undefined ? {} : { sha256: digest }) }, cache)

test('an object is fetched once; whoever asks for its digest again gets it from the cache', async () => {
  const first = await fetched(`${base}/box.tar`)
  expect(first).toMatchObject({ sha256, bytes: bytes.length })
  expect(readFileSync(first.path)).toEqual(bytes)
  asked = []
  expect(await fetched(`${base}/elsewhere.tar`, sha256)).toMatchObject({ path: first.path })
  expect(asked).toEqual([])
})

test('an object that is cut, changed or gone is refused, and nothing of it stays', async () => {
  rmSync(join(cache, sha256), { recursive: true })
  await expect(fetched(`${base}/cut.tar`, sha256)).rejects.toThrow(/cut\.tar: (can't be fetched|came incomplete)/)
  await expect(fetched(`${base}/changed.tar`, sha256)).rejects.toThrow('its bytes are others than the scenario names')
  await expect(fetched(`${base}/gone.tar`)).rejects.toThrow('the store answers 404')
  expect(readdirSync(cache)).toEqual([])
})

test('a store that is busy is asked again', async () => {
  expect(await fetched(`${base}/busy.tar`)).toMatchObject({ sha256 })
})

test('a password of an address goes into a header and into no message', async () => {
  asked = []
  const secret = base.replace('http://', 'http://me:secret@')
  await expect(fetched(`${secret}/gone.tar`)).rejects.toThrow(/^http:\/\/127\.0\.0\.1:\d+\/gone\.tar/)
  expect(asked[0]!.authorization).toBe(`Basic ${Buffer.from('me:secret').toString('base64')}`)
})

test('s3:// is signed with the usual variables, and plain without them', async () => {
  vi.stubEnv('AWS_ENDPOINT_URL', base)
  asked = []
  await fetched('s3://captures/some/box.tar')
  expect(asked[0]).toEqual({ url: '/captures/some/box.tar', authorization: undefined })
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'key')
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret')
  vi.stubEnv('AWS_REGION', 'eu-north-1')
  asked = []
  await fetched('s3://captures/some/box.tar')
  expect(asked[0]!.authorization).toMatch(/^AWS4-HMAC-SHA256 Credential=key\/\d{8}\/eu-north-1\/s3\/aws4_request/)
})
