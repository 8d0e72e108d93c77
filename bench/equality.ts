/**
 * `npm run equality -- FOLDER [CAPTURE …]`: whether every form of a capture holds the same events, field by field: trace.dat as recorded, as
 * `trace-cmd convert` and kreplay write it again, the text of `trace-cmd report` in its variants, perf.data and `perf script`. Needs the
 * captures, trace-cmd and perf. Exits with 1 where a field differs that the form could hold.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { zstdDecompressSync } from 'node:zlib'
import { countByName, type Events, kindNames } from '#events'
import { ABSENT } from '#events/columns'
import { readCapture } from '#readers'
import { writeRecording } from '#writers'

const [folder = '/work/shared/traces', ...wanted] = process.argv.slice(2)
const scratch = mkdtempSync(join(tmpdir(), 'kreplay-equality-'))

interface Form {
  readonly name: string
  /** Makes it and returns its path. */
  make(): string | Promise<string>
  /** How it rounds stamps. */
  readonly rounded?: Rounding
  /** Fields that the form can't hold or prints otherwise. */
  readonly blind?: readonly string[]
}

/** A capture folder with the text that a command prints, and the kernel's release, by which names of gfp flags are read. */
function textOf(release: string, command: string, args: readonly string[]): string {
  const path = join(scratch, 'text')
  mkdirSync(path, { recursive: true })
  writeFileSync(join(path, 'uname'), `Linux (none) ${release}\n`)
  const run = 'out=$1; shift; "$@" > "$out" 2> /dev/null'
  execFileSync('sh', ['-c', run, 'sh', join(path, 'trace.txt'), command, ...args])
  return path
}

function traceDatForms(file: string, release: string): readonly Form[] {
  const convert = (version: number, compression: string): Form => ({
    name: `trace-cmd convert, v${version} ${compression}`,
    make: () => {
      const path = join(scratch, 'converted.dat')
      const options = ['--file-version', `${version}`, ...(version === 7 ? ['--compression', compression] : [])]
      execFileSync('trace-cmd', ['convert', '-i', file, '-o', path, ...options], { stdio: 'ignore' })
      return path
    },
  })
  // `percpu_refill` is no field of 5.10's record; its text prints order == 0.
  // Unknown events are printed by their own format.
  const text = ['context', 'fields', ...(release.startsWith('5.10') ? ['percpuRefill'] : [])]
  // trace-cmd knows no `%c`, and computes from a kmalloc's flags whether it is accounted; the record does not say.
  const printed = [...text, 'cb', 'nr', 'iit', 'risk', 'accounted']
  const report = (options: readonly string[], blind: readonly string[]): Form => ({
    name: `trace-cmd report ${options.join(' ')}`.trimEnd(),
    make: () => textOf(release, 'trace-cmd', ['report', ...options, '-i', file]),
    rounded: options.includes('-t') ? exact : halfUp,
    blind,
  })
  return [
    convert(6, 'none'),
    convert(7, 'none'),
    {
      name: 'kreplay convert .dat',
      make: async () => {
        const path = join(scratch, 'own.dat')
        await writeRecording(await readCapture(file), path)
        return path
      },
    },
    report([], printed),
    report(['-t'], printed),
    report(['-R', '-t'], ['context', 'fields']),
    report(['-l', '-t'], [...printed, 'comm']),
  ]
}

type Rounding = (ns: number) => number
const exact: Rounding = (ns) => ns
const halfUp: Rounding = (ns) => Math.floor((ns + 500) / 1000) * 1000
const down: Rounding = (ns) => Math.floor(ns / 1000) * 1000

/** How many cells of each field differ between two traces with the same events in the same order. */
function differences(a: Events, b: Events, rounded: Rounding): Map<string, number> {
  const found = new Map<string, number>()
  const count = (field: string) => found.set(field, (found.get(field) ?? 0) + 1)
  if (a.length !== b.length) found.set(`events (${a.length} ≠ ${b.length})`, Math.abs(a.length - b.length))
  const numbers: number[] = []
  /** Whether two numbers of strings are the same string. */
  const isSame = (mine: number, other: number): boolean => {
    if (mine === ABSENT.text || other === ABSENT.text) return mine === other
    // Not by `find`: texts that are made late are not found by it.
    if (numbers[mine] !== other && a.strings.get(mine) === b.strings.get(other)) numbers[mine] = other
    return numbers[mine] === other
  }
  const columns = kindNames.map((kind) =>
    a.tables[kind].list.map((own, at) => [own, b.tables[kind].list[at]!] as const),
  )
  for (let row = 0; row < Math.min(a.length, b.length); row++) {
    if (a.kind[row] !== b.kind[row]) {
      count('event')
      continue
    }
    if (rounded(a.time[row]!) + a.zero * 1e9 !== b.time[row]! + b.zero * 1e9) count('time')
    if (a.cpu[row] !== b.cpu[row]) count('cpu')
    if (a.pid[row] !== b.pid[row]) count('pid')
    if (a.context[row] !== b.context[row]) count('context')
    if (!isSame(a.comm[row]!, b.comm[row]!)) count('comm')
    for (const [own, other] of columns[a.kind[row]!]!) {
      const mine = own.data[a.slot[row]!]!
      const theirs = other.data[b.slot[row]!]!
      if (own.type === 'text' ? !isSame(mine as number, theirs as number) : mine !== theirs) count(own.name)
    }
  }
  return found
}

let failures = 0
function tell(
  capture: string,
  form: string,
  events: number,
  found: Map<string, number>,
  blind: readonly string[],
): void {
  const wrong = [...found].filter(([field]) => !blind.includes(field))
  const known = [...found].filter(([field]) => blind.includes(field)).map(([field]) => field)
  failures += wrong.length
  const verdict = wrong.length === 0 ? 'same' : `DIFFERS: ${wrong.map(([field, n]) => `${field} ${n}`).join(', ')}`
  console.log(
    `${capture.padEnd(14)} ${form.padEnd(30)} ${String(events).padStart(9)}  ${verdict}${known.length > 0 ? `  (not held: ${known.join(', ')})` : ''}`,
  )
}

/** `| drain-5.10 | … | mm_page_alloc 617626, … |`: what trace-cmd counted when the captures were made. */
function countsIn(readme: string): Map<string, Record<string, number>> {
  const rows = readme.matchAll(/^\| (\S+) \|.*\| ([^|]+) \|$/gm)
  return new Map(
    [...rows].map(([, name = '', events = '']) => [
      name,
      Object.fromEntries([...events.matchAll(/(\w+) (\d+)/g)].map(([, event, count]) => [event!, Number(count)])),
    ]),
  )
}

const countDifferences = (own: Record<string, number>, given: Record<string, number>): Map<string, number> =>
  new Map(
    [...new Set([...Object.keys(own), ...Object.keys(given)])]
      .map((name) => [name, Math.abs((own[name] ?? 0) - (given[name] ?? 0))] as const)
      .filter(([, difference]) => difference > 0),
  )

async function checkTraceDat(name: string, given: Record<string, number> | undefined): Promise<void> {
  const file = join(folder, name, 'trace.dat')
  const { events, machine } = await readCapture(file)
  if (given !== undefined)
    tell(name, 'counts of README', events.length, countDifferences(countByName(events), given), [])
  for (const { name: form, make, rounded = exact, blind = [] } of traceDatForms(file, machine.release?.text ?? '')) {
    const other = await readCapture(await make())
    tell(name, form, other.events.length, differences(events, other.events, rounded), blind)
  }
}

async function checkPerf(name: string): Promise<void> {
  const file = join(scratch, 'perf.data')
  writeFileSync(file, zstdDecompressSync(readFileSync(join(folder, name, 'perf.data.zst'))))
  const { events, machine } = await readCapture(file)
  const given = Object.fromEntries(
    [...readFileSync(join(folder, name, 'counts.txt'), 'utf8').matchAll(/(\w+) (\d+)$/gm)].map(([, event, n]) => [
      event!,
      Number(n),
    ]),
  )
  tell(name, 'counts.txt', events.length, countDifferences(countByName(events), given), [])
  for (const options of [[], ['--ns']]) {
    const text = await readCapture(textOf(machine.release?.text ?? '', 'perf', ['script', '-i', file, ...options]))
    const found = differences(events, text.events, options.length > 0 ? exact : down)
    tell(name, `perf script ${options.join(' ')}`.trimEnd(), text.events.length, found, ['context', 'accounted'])
  }
}

try {
  const readme = join(folder, 'README.md')
  const given = existsSync(readme) ? countsIn(readFileSync(readme, 'utf8')) : new Map<string, Record<string, number>>()
  for (const name of wanted.length > 0 ? wanted : readdirSync(folder).sort()) {
    if (existsSync(join(folder, name, 'trace.dat'))) await checkTraceDat(name, given.get(name))
    if (existsSync(join(folder, name, 'perf.data.zst'))) await checkPerf(name)
  }
} finally {
  rmSync(scratch, { recursive: true })
}
console.log(failures === 0 ? 'All forms hold the same events.' : `${failures} fields differ.`)
process.exitCode = failures === 0 ? 0 : 1
