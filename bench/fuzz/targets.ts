import { mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { analyse, compareCaptures, comparisonSchema, infoOf, renderHtml, renderMarkdown, writeRecording } from 'kreplay'
import { type Events, eachEvent, eventSchemas, selectEvents } from '#events'
import { formats, type ReadTrace, readCapture, readJson, readProbes } from '#readers'
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
const sidecar = (name: string): Target => ({
  id: `sidecar-${name}`,
  shape: 'lines',
  seeds: () => samples(new RegExp(`(^|/)${name.replace('.', '\\.')}$`)),
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
  ...['zoneinfo.before', 'buddyinfo.before', 'vmstat.before', 'uname', 'cmdline'].map(sidecar),
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
