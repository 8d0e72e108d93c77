import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { readFile, rm, stat, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { finished } from 'node:stream/promises'
import { promisify } from 'node:util'
import { zstdDecompress } from 'node:zlib'
import { readCapture } from '#readers'
import { measureProgram, measureReading, outputOf, peakOf } from './measure.ts'
import { type Bench, byEvents, fileOf, root, speedTarget, type Topic } from './topic.ts'

/** Of the default layouts; DESIGN asks for 1.2 M over all of them. */
const FASTEST_TEXT = 1.5e6
const MOST_PREFIX_COST = 0.05

/** Texts are made by the programs that print them, from recordings at hand. */
async function readText(bench: Bench, capture: string, what: string, file: string): Promise<void> {
  const { length } = (await readCapture(file)).events
  const size = `${((await stat(file)).size / 1e6).toFixed(0)} MB`
  const own = await measureReading(bench.effort, file)
  const row = byEvents(capture, `${what} → columns`, length, own, size)
  bench.result.rows.push(row)
  bench.result.targets.push(speedTarget(row, FASTEST_TEXT))
  // Behind prose, any line may have a prefix, and none is known to be plain.
  const prefaced = join(bench.folder, 'prefaced.txt')
  await writeFile(prefaced, Buffer.concat([Buffer.from('This is what I see:\n'), await readFile(file)]))
  const behind = await measureReading(bench.effort, prefaced)
  await rm(prefaced)
  const cost = behind.min / own.min - 1
  bench.result.targets.push({
    capture,
    what: `${what}: looking for prefixes costs plain lines`,
    atLeast: `≤ ${MOST_PREFIX_COST * 100} %`,
    found: `${(cost * 100).toFixed(1)} %`,
    met: cost <= MOST_PREFIX_COST,
  })
}

async function traceCmdText(bench: Bench): Promise<void> {
  for (const path of bench.paths) {
    const file = await fileOf(path, 'trace.dat')
    if (file === undefined || bench.result.traceCmd === undefined) continue
    const text = join(bench.folder, 'report.txt')
    await writeFile(text, await outputOf(['trace-cmd', 'report', '-t', '-i', file]))
    await readText(bench, basename(path), 'trace-cmd report text', text)
  }
}

/** perf.data beside `perf script`, and what that prints. */
async function perfFiles(bench: Bench): Promise<void> {
  const { result, effort, folder } = bench
  if (result.perf === undefined) return
  const capture = 'perf-6.1-s'
  const file = join(folder, 'perf.data')
  await writeFile(file, await promisify(zstdDecompress)(await readFile(join(root, 'traces', capture, 'perf.data.zst'))))
  const own = await measureReading(effort, file)
  const { events } = await readCapture(file)
  result.rows.push(byEvents(capture, 'perf.data → columns', events.length, own))
  const script = ['perf', 'script', '--ns', '-i', file]
  const other = await measureProgram({ ...effort, warmups: 1 }, script)
  result.rows.push(byEvents(capture, 'perf script', events.length, other))
  const text = join(folder, 'perf-script.txt')
  await writeFile(text, await outputOf(script))
  await readText(bench, capture, 'perf script text', text)
}

const STAMP = / (\d+)(\.(?:\d{6}|\d{9}): )/

/** A text of so many bytes: one over and over, each time later. */
async function repeat(text: string, file: string, bytes: number): Promise<void> {
  const lines = text.split('\n').filter((line) => line !== '')
  const body = lines.filter((line) => STAMP.test(line))
  const seconds = body.map((line) => Number(STAMP.exec(line)![1]))
  const span = seconds.at(-1)! - seconds[0]! + 1
  const out = createWriteStream(file)
  out.write(`${lines.filter((line) => line.startsWith('#')).join('\n')}\n`)
  for (let round = 0, written = 0; written < bytes; round++) {
    const later = body.map((line) =>
      line.replace(STAMP, (_, second, rest) => ` ${Number(second) + round * span}${rest}`),
    )
    const piece = `${later.join('\n')}\n`
    written += piece.length
    if (!out.write(piece)) await once(out, 'drain')
  }
  out.end()
  await finished(out)
}

const LARGE = 2e9
const MOST_MEMORY = 300e6
const LARGE_FORMATS = ['arrow', 'arrow.zst', 'csv', 'csv.gz', 'ndjson', 'ndjson.zst', 'parquet']

/** What trace-cmd prints of each capture, as a text of 2 GB; where trace-cmd is not installed, ftrace's of a capture here. */
async function convertLarge(bench: Bench): Promise<void> {
  const { folder, paths, result } = bench
  if (result.traceCmd === undefined) {
    const capture = 'pages-6.1-s'
    await convertRepeated(bench, capture, await readFile(join(root, 'traces', capture, 'trace.txt'), 'latin1'))
  } else {
    for (const path of paths) {
      const file = await fileOf(path, 'trace.dat')
      if (file === undefined) continue
      await convertRepeated(bench, basename(path), await outputOf(['trace-cmd', 'report', '-t', '-i', file]))
    }
  }
  await rm(join(folder, 'large.txt'), { force: true })
}

async function convertRepeated({ folder, result }: Bench, capture: string, text: string): Promise<void> {
  const file = join(folder, 'large.txt')
  await repeat(text, file, LARGE)
  for (const extension of LARGE_FORMATS) {
    const out = join(folder, `large.${extension}`)
    const main = join(root, 'src/cli/main.ts')
    const peak = await peakOf([process.execPath, '--conditions=kreplay-src', main, 'convert', file, out])
    await rm(out)
    result.targets.push({
      capture,
      what: `peak memory of 2 GB of its text → .${extension}`,
      atLeast: `≤ ${MOST_MEMORY / 1e6} MB`,
      found: `${(peak / 1e6).toFixed(0)} MB`,
      met: peak <= MOST_MEMORY,
    })
  }
}

/** Text of every writer → columns; with `--large` the memory that converting 2 GB of it takes. */
export const text: Topic = {
  id: 'text',
  async run(bench) {
    await traceCmdText(bench)
    await perfFiles(bench)
    if (bench.large) await convertLarge(bench)
  },
}
