import { mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { analyse, compareCaptures, comparisonSchema, infoOf, renderHtml, renderMarkdown, writeRecording } from 'kreplay'
import { type Events, eachEvent, eventSchemas, selectEvents } from '#events'
import { choosePcp, splitIds } from '#policies'
import { formats, type ReadTrace, readCapture, readJson, readProbes } from '#readers'
import { type ExploreServer, explore } from '../../src/app/explore/index.ts'
import { root } from '../topic.ts'
import type { Shape } from './mutate.ts'

/** Something that takes input from outside. */
export interface Target {
  readonly id: string
  readonly shape: Shape
  /** Good inputs to begin with. */
  seeds(): Promise<readonly Uint8Array[]> | readonly Uint8Array[]
  /** Takes one. A TraceError or a UsageError refuses it; any other error is a finding, and so is what `SilentError` says. */
  run(input: Uint8Array): Promise<void>
}

/** An input was taken, but what came of it cannot be. */
export class SilentError extends Error {
  override readonly name = 'SilentError'
}

/** Binary files say how long they are: most of one that is cut is not looked at. */
const MOST_SEED = { lines: 24_000, json: 24_000, binary: 100_000 } as const
/** Events that are looked at one by one. */
const MOST_CHECKED = 300
const folder = mkdtempSync(join(tmpdir(), 'kreplay-fuzz-'))
const traces = join(root, 'traces')
const temporary = (name: string, content: Uint8Array): string => {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

/** Files below a folder whose name fits, unpacked and cut. */
function samples(pattern: RegExp, shape: Shape = 'lines', most = 12): Uint8Array[] {
  const found = readdirSync(traces, { recursive: true, encoding: 'utf8' }).sort()
  const fitting = found.filter((name) => pattern.test(name) && statSync(join(traces, name)).isFile())
  const step = Math.max(1, Math.floor(fitting.length / most))
  return fitting
    .filter((_, at) => at % step === 0)
    .map((name) => {
      const bytes = readFileSync(join(traces, name))
      return (name.endsWith('.gz') ? gunzipSync(bytes) : bytes).subarray(0, MOST_SEED[shape])
    })
}

/** Events are such as their schemas allow, and times are whole numbers. */
function checkEvents(events: Events): void {
  const some = selectEvents(events, (row) => row < MOST_CHECKED)
  for (const event of eachEvent(some)) {
    const result = eventSchemas[event.event].safeParse(event)
    if (!result.success) throw new SilentError(`an event that its schema forbids: ${result.error.issues[0]?.message}`)
    if (!Number.isSafeInteger(event.time)) throw new SilentError(`a time of ${event.time}`)
  }
}

/** Lines are comments, events or counted as skipped: fewer would be silence. */
function checkLines({ lines, tally }: ReadTrace): void {
  if (lines === undefined) return
  const counted = tally.reduce((sum, { count }) => sum + count, 0)
  const { total, comments, events } = lines
  if (comments + events > total) throw new SilentError(`${comments} comments and ${events} events in ${total} lines`)
  if (comments + events + counted < total)
    throw new SilentError(`${total} lines: ${comments} comments, ${events} events, ${counted} counted`)
}

async function readTrace(input: Uint8Array): Promise<void> {
  const format = formats.find(({ sniff }) => sniff(input.subarray(0, 65_536)))
  if (format === undefined) return
  const read = await format.read({ name: 'fuzz', bytes: input })
  checkEvents(read.events)
  checkLines(read)
}

const reader = (id: string, shape: Shape, pattern: RegExp): Target => ({
  id,
  shape,
  seeds: () => samples(pattern, shape),
  run: readTrace,
})

const TEXT = readFileSync(join(traces, 'text/handmade/dump.txt'))

/** One of the files in which a kernel says something of itself, beside a good trace. */
const sidecar = (name: string, ...more: readonly string[]): Target => ({
  id: `sidecar-${name}`,
  shape: 'lines',
  seeds: () => [...samples(new RegExp(`(^|/)${name.replace('.', '\\.')}$`)), ...more.map((text) => Buffer.from(text))],
  run: async (input) => {
    temporary('trace.txt', TEXT)
    const path = temporary(name, input)
    try {
      const capture = await readCapture(folder)
      JSON.stringify(infoOf(capture))
    } finally {
      writeFileSync(path, '')
    }
  },
})

async function arrowFiles(): Promise<readonly Uint8Array[]> {
  const capture = await readCapture(temporary('seed.txt', TEXT))
  const path = join(folder, 'seed.arrow')
  await writeRecording(capture, path)
  return [readFileSync(path), ...samples(/\.arrow$/, 'binary')]
}

const text = TEXT.toString()
const lines = text.split('\n').filter((line) => line !== '')
const escaped = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
const MAIL = 'From: a@example.org\nContent-Type: text/plain; format=flowed\n'
const PARTS = 'Content-Type: multipart/alternative; boundary="b"\n\n--b\nContent-Type: text/plain\n\n'

/** What people paste: mails, pages, logs. */
const pasted = (): Uint8Array[] =>
  [
    `${MAIL}Content-Transfer-Encoding: quoted-printable\n\n${text.replaceAll('=', '=3D').replaceAll(/.{70}/g, '$&=\n')}`,
    `${MAIL}Content-Transfer-Encoding: base64\n\n${TEXT.toString('base64').replaceAll(/.{76}/g, '$&\n')}\n`,
    `${PARTS}${text}\n--b\nContent-Type: text/html\n\n<pre>${escaped}</pre>\n--b--\n`,
    `<html><pre\nid=b>${lines.map((line) => `<span\nclass="q">&gt; ${line}</span>`).join('\n')}</pre></html>\n`,
    lines.map((line) => JSON.stringify({ MESSAGE: line, PRIORITY: '4' })).join('\n'),
    lines.map((line, at) => `build\tRun\t2024-01-01T12:00:00.${1000 + at}Z ${line}`).join('\n'),
    lines.map((line) => `| ${line.padEnd(150)} |`).join('\n'),
    lines.map((line, at) => `${'> '.repeat(1 + (at % 3))}${line}\r`).join('\n'),
    lines.map((line) => `\x1b[32m${line.slice(0, 20)}\x1b[0m\t${line.slice(20)}`).join('\n'),
    ...samples(/^pasted\/.*\.(?:txt|eml)$/).map((bytes) => Buffer.from(bytes).toString('latin1')),
  ].map((one) => Buffer.from(one, 'latin1'))

function tarOf(name: string, body: Uint8Array): Buffer {
  const head = Buffer.alloc(512)
  head.write(`${name}\0`, 0)
  head.write(`0000644\0`, 100)
  head.write(`${body.length.toString(8).padStart(11, '0')}\0`, 124)
  head.write('ustar\x0000', 257)
  head.write('0', 156)
  head.fill(' ', 148, 156)
  const sum = head.reduce((total, byte) => total + byte, 0)
  head.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return Buffer.concat([head, body, Buffer.alloc((512 - (body.length % 512)) % 512)])
}

const MOST_ANSWER_MS = 20_000
const MOST_WAIT_MS = 1000
let server: Promise<ExploreServer> | undefined

/** What the server that explores a trace answers to the bytes of a request, in which HOST and PATH stand for its own. */
async function answered(input: Uint8Array): Promise<void> {
  server ??= explore({ capture: join(traces, 'text/7.2/default.txt'), policies: ['pcp/none', 'pcp/work'] })
  const { host, pathname, port } = new URL((await server).address)
  const asked = Buffer.from(input).toString('latin1').replaceAll('HOST', host).replaceAll('PATH/', pathname)
  const answer = await new Promise<string>((resolve) => {
    const socket = connect(Number(port), '127.0.0.1')
    let all = ''
    socket.setTimeout(MOST_ANSWER_MS, () => socket.destroy())
    socket.on('data', (piece) => {
      if (all.length < 200) all += piece.toString('latin1')
    })
    socket.on('error', () => resolve(all))
    socket.on('close', () => resolve(all))
    // What lacks its end is ended a little later; at once, no answer would be sent.
    socket.write(asked, 'latin1')
    const ending = setTimeout(() => socket.end(), MOST_WAIT_MS)
    socket.on('close', () => clearTimeout(ending))
  })
  if (/^HTTP\/1\.1 5(?!05)/.test(answer)) throw new SilentError(`the server answered ${answer.slice(0, 200)}`)
}

const requests = (): Uint8Array[] =>
  [
    'GET PATH/ HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n',
    ...['{"id":1,"quick":true,"question":{"policies":["pcp/none"],"baseline":"pcp/none","set":{"batch":31}}}', '{'].map(
      (body) =>
        `POST PATH/ask HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    ),
    `POST PATH/trace HTTP/1.1\r\nHost: HOST\r\nX-File-Name: a.txt\r\nConnection: close\r\nContent-Length: 600\r\n\r\n${text.slice(0, 600)}`,
  ].map((one) => Buffer.from(one, 'latin1'))

let comparison: Buffer | undefined
async function aComparison(): Promise<readonly Uint8Array[]> {
  const captures = [join(traces, 'pages-6.1-s')]
  comparison ??= Buffer.from(JSON.stringify(await compareCaptures({ captures, policies: ['pcp/none'], jobs: 1 })))
  return [comparison]
}

export const targets: readonly Target[] = [
  reader('ftrace', 'lines', /^text\/.*\.txt$/),
  reader('trace-cmd-text', 'lines', /trace-cmd\/.*txt$|report\.txt\.gz$/),
  reader('perf-script', 'lines', /perf-script.*txt$/),
  reader('babeltrace', 'lines', /babeltrace.*txt$/),
  reader('trace-dat', 'binary', /trace-dat\/.*\.dat$|hostile\/.*\.dat$/),
  reader('perf-data', 'binary', /\.data$/),
  { ...reader('arrow', 'binary', /\.arrow$/), seeds: arrowFiles },
  {
    ...reader('csv', 'lines', /\.csv$/),
    seeds: () => [
      Buffer.from(
        '# kreplay-events/1 zero=1 resolutionNs=1\ntime,cpu,event,pfn,order,comm\n1,0,mm_page_free,7,0,sh\n2,1,lost,,,\n',
      ),
    ],
  },
  {
    ...reader('ndjson', 'lines', /\.ndjson$/),
    seeds: () => [
      Buffer.from(
        '{"kreplay":"kreplay-events/1","zero":1,"resolutionNs":1}\n{"event":"mm_page_free","time":1,"cpu":0,"pfn":7,"order":0}\n',
      ),
    ],
  },
  {
    id: 'packed',
    shape: 'binary',
    seeds: () => [
      gzipSync(TEXT),
      zstdCompressSync(TEXT),
      Buffer.concat([zstdCompressSync(TEXT), zstdCompressSync(TEXT)]),
    ],
    run: async (input) => void (await readCapture(temporary('packed.bin', input))),
  },
  { ...reader('pasted', 'lines', /^$/), seeds: pasted },
  {
    id: 'tar',
    shape: 'binary',
    seeds: () => [
      Buffer.concat([tarOf('x/trace.txt', TEXT), tarOf('x/uname', Buffer.from('Linux x 6.1.0 x')), Buffer.alloc(1024)]),
    ],
    run: async (input) => void (await readCapture(temporary('packed.tar', input))),
  },
  ...['zoneinfo.before', 'buddyinfo.before', 'vmstat.before', 'uname', 'cmdline'].map((name) => sidecar(name)),
  ...['slabinfo.before', 'slabstats.before', 'sysctl'].map((name) => sidecar(name)),
  sidecar('nodes', 'node0/cpulist:0-1\nnode1/cpulist:2,3\nnode0/distance:10 20\n'),
  sidecar('config', 'CONFIG_HZ=250\nCONFIG_CMA=y\n# CONFIG_PREEMPT is not set\nCONFIG_ARCH_FORCE_MAX_ORDER=10\n'),
  sidecar(
    'pagetypeinfo.before',
    'Page block order: 9\nPages per block:  512\n\nFree pages count per migrate type at order       0      1\nNode    0, zone      DMA, type    Unmovable      1      0\n',
  ),
  {
    id: 'scenario',
    shape: 'json',
    seeds: () => [
      Buffer.from(JSON.stringify({ schema: 'kreplay.workload/1', workload: 'flood', params: { calls: 100 }, seed: 1 })),
    ],
    run: async (input) => {
      const format = formats.find(({ sniff }) => sniff(input))
      if (format !== undefined) await format.read({ name: 'fuzz', bytes: input })
    },
  },
  {
    id: 'policies',
    shape: 'lines',
    seeds: () =>
      ['pcp/fixed{high=100,batch=31}', 'pcp/linux-6.1+work,pcp/none', 'kvfree/linux-6.12', 'slab/none'].map((one) =>
        Buffer.from(one),
      ),
    run: async (input) => {
      for (const id of splitIds(Buffer.from(input).toString())) choosePcp(id, undefined)
    },
  },
  { id: 'explore', shape: 'lines', seeds: requests, run: answered },
  {
    id: 'probes',
    shape: 'json',
    seeds: () => [readFileSync(join(root, 'src/events/probes.json'))],
    run: async (input) => void (await readProbes(temporary('mine.json', input))),
  },
  {
    id: 'comparison',
    shape: 'json',
    seeds: aComparison,
    run: async (input) => {
      const read = await readJson(temporary('comparison.json', input), comparisonSchema, 'x')
      renderMarkdown(read)
      await renderHtml(read)
    },
  },
  {
    id: 'replay',
    shape: 'lines',
    seeds: () => samples(/^text\/(6\.1|7\.2)\/default\.txt$/).map((text) => text.subarray(0, 8000)),
    run: async (input) => {
      const path = temporary('replay.txt', input)
      const capture = await readCapture(path)
      checkEvents(capture.events)
      JSON.stringify(infoOf(capture))
      JSON.stringify(analyse(capture).fidelity)
      await compareCaptures({ captures: [path], policies: ['pcp/linux-6.1', 'pcp/trylock'], jobs: 1 })
    },
  },
]
