import { randomBytes, timingSafeEqual } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { z } from 'zod'
import type { Explored } from './explored.ts'

/** What a question may be at most, and a trace that is dropped on the page. */
const MOST_QUESTION = 64 * 1024
export const MOST_TRACE = 2 ** 30

/** Captures that are kept at a time; each takes the memory of its demand. */
const MOST_KEPT = 4

/** What stands behind a page’s number: nothing for itself. */
const ACTIONS = ['', 'ask', 'trace']

const LOOPBACK = '127.0.0.1'

const questionSchema = z.object({
  id: z
    .int()
    .min(1)
    .max(2 ** 31),
  quick: z.boolean(),
  question: z.object({
    policies: z.array(z.string().max(500)).min(1).max(40),
    baseline: z.string().max(500),
    set: z.record(z.string().max(100), z.union([z.number(), z.string().max(200), z.boolean()])),
    prices: z
      .object({ first: z.string().max(100).optional(), factor: z.number().positive().max(1e6).optional() })
      .optional(),
  }),
})

class Refused extends Error {
  readonly status: number
  constructor(status: number, why: string) {
    super(why)
    this.status = status
  }
}

export interface ExploreServer {
  readonly address: string
  close(): Promise<void>
}

/**
 * Serves pages on the loopback interface alone. Who asks must know a random token, which is part of every address; a Host header that
 * names another machine is refused, so that no page of the web reaches it by a name of its own (DNS rebinding).
 */
export async function serve(
  first: Explored,
  explore: (path: string) => Promise<Explored>,
  port = 0,
): Promise<ExploreServer> {
  const pages = new Pages(first, explore)
  const server: Server = createServer({ requestTimeout: 600_000, maxHeaderSize: 16_384 }, (request, response) => {
    void pages.answer(request, response, hostsOf(server)).catch((error: unknown) => refuse(response, error))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, LOOPBACK, resolve)
  })
  return {
    address: `http://${hostsOf(server)[0]}/${pages.token}/1/`,
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await pages.close()
    },
  }
}

/** The captures that are explored, each a page with a number. */
class Pages {
  readonly token = randomBytes(16).toString('hex')
  readonly #explored: Map<string, Explored>
  readonly #explore: (path: string) => Promise<Explored>
  #number = 1

  constructor(first: Explored, explore: (path: string) => Promise<Explored>) {
    this.#explored = new Map([['1', first]])
    this.#explore = explore
  }

  /** `own`: names under which this server may be asked. */
  async answer(request: IncomingMessage, response: ServerResponse, own: readonly string[]): Promise<void> {
    const { host, origin } = request.headers
    if (host === undefined || !own.includes(host))
      throw new Refused(403, 'this server answers on the loopback interface alone')
    if (origin !== undefined && !own.some((one) => origin === `http://${one}`))
      throw new Refused(403, 'no other page may ask')
    const [given = '', page = '', action = ''] = (request.url ?? '').slice(1).split('?')[0]!.split('/')
    if (!isSame(given, this.token)) throw new Refused(404, 'no such page')
    const explored = this.#explored.get(page)
    if (page === '') redirect(response, `/${this.token}/1/`)
    else if (explored === undefined || !ACTIONS.includes(action)) throw new Refused(404, 'no such page')
    else if (action === '' && request.method === 'GET') sendPage(response, explored.page)
    else if (action === 'ask' && request.method === 'POST') sendJson(response, await asked(explored, request))
    else if (action === 'trace' && request.method === 'POST')
      sendJson(response, { page: `/${this.token}/${await this.#add(request)}/` })
    else throw new Refused(405, 'that cannot be done here')
  }

  /** A trace that was dropped on a page becomes a page of its own. */
  async #add(request: IncomingMessage): Promise<string> {
    const named = basename(decodeURIComponent(String(request.headers['x-file-name'] ?? 'trace'))).replace(
      /[^\w.-]+/g,
      '_',
    )
    const folder = await mkdtemp(join(tmpdir(), 'kreplay-explore-'))
    try {
      const path = join(folder, named.replace(/^[.-]+/, '') || 'trace')
      await pipeline(request, bounded(MOST_TRACE), createWriteStream(path, { flags: 'wx', mode: 0o600 }))
      const page = String(++this.#number)
      this.#explored.set(page, await this.#explore(path))
      await this.#dropOldest()
      return page
    } catch (error) {
      throw error instanceof Refused ? error : new Refused(422, (error as Error).message.replaceAll(`${folder}/`, ''))
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  }

  /** The first page stays. */
  async #dropOldest(): Promise<void> {
    const oldest = [...this.#explored.keys()].find((key) => key !== '1')
    if (this.#explored.size <= MOST_KEPT || oldest === undefined) return
    await this.#explored.get(oldest)?.close()
    this.#explored.delete(oldest)
  }

  async close(): Promise<void> {
    for (const explored of this.#explored.values()) await explored.close()
  }
}

async function asked(explored: Explored, request: IncomingMessage): Promise<unknown> {
  const text = (await bodyOf(request, MOST_QUESTION)).toString('utf8')
  const { id, question, quick } = questionOf(text)
  const answered = explored.ask(id, question, quick)
  if (answered === undefined) throw new Refused(404, 'this page has nothing to replay')
  return await answered
}

function questionOf(text: string): z.infer<typeof questionSchema> {
  try {
    return questionSchema.parse(JSON.parse(text))
  } catch {
    throw new Refused(400, 'that is no question')
  }
}

function hostsOf(server: Server): string[] {
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return [`${LOOPBACK}:${port}`, `localhost:${port}`]
}

function isSame(given: string, token: string): boolean {
  const [one, other] = [Buffer.from(given), Buffer.from(token)]
  return one.length === other.length && timingSafeEqual(one, other)
}

/** Passes at most so many bytes on. */
function bounded(most: number): Transform {
  let seen = 0
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      seen += chunk.length
      if (seen > most) done(new Refused(413, `more than ${most} bytes are not taken`))
      else done(null, chunk)
    },
  })
}

async function bodyOf(request: IncomingMessage, most: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  await pipeline(request, bounded(most), async (stream: AsyncIterable<Buffer>) => {
    for await (const chunk of stream) chunks.push(chunk)
  })
  return Buffer.concat(chunks)
}

const COMMON = {
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cross-Origin-Opener-Policy': 'same-origin',
}

/** The page has its own policy in a meta element, stricter than what a header could repeat; framing only a header forbids. */
function sendPage(response: ServerResponse, page: string): void {
  response.writeHead(200, {
    ...COMMON,
    'Content-Type': 'text/html; charset=utf-8',
    'Content-Security-Policy': "frame-ancestors 'none'",
    'X-Frame-Options': 'DENY',
  })
  response.end(page)
}

function sendJson(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { ...COMMON, 'Content-Type': 'application/json' })
  response.end(JSON.stringify(value))
}

function redirect(response: ServerResponse, to: string): void {
  response.writeHead(302, { ...COMMON, Location: to })
  response.end()
}

function refuse(response: ServerResponse, error: unknown): void {
  const status = error instanceof Refused ? error.status : 500
  if (response.headersSent) {
    response.destroy()
    return
  }
  response.writeHead(status, { ...COMMON, 'Content-Type': 'application/json', Connection: 'close' })
  response.end(JSON.stringify({ kind: 'refused', why: error instanceof Refused ? error.message : 'it failed' }))
}
