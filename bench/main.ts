/**
 * `npm run bench [-- --quick] [-- --json] [-- --capture PATH …]`: how fast the way of the data is, on one core, in CPU time. Prints
 * medians with the fastest and the slowest repeat. It never fails for being slow: a busy machine is no regression.
 */
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { availableParallelism, cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import Table from 'cli-table3'
import { compareCaptures } from '#cli'
import type { Events } from '#events'
import { fidelityOf } from '#metrics'
import { choosePcp } from '#policies'
import { type Capture, readCapture } from '#readers'
import { infer, Op, runPolicy, scriptOf } from '#replay'
import { renderHtml } from '#report'
import { writeRecording } from '#writers'
import { type Effort, measure, measureProgram, type Times, versionOf } from './measure.ts'

const root = join(fileURLToPath(import.meta.url), '../..')
const POLICIES = [
  'pcp/linux-5.10',
  'pcp/linux-6.1',
  'pcp/linux-6.12',
  'pcp/rcu-swap',
  'pcp/spinlock',
  'pcp/trylock',
  'pcp/fixed',
  'pcp/none',
]

interface Row {
  readonly capture: string
  readonly what: string
  /** Events of the recording behind one repeat. Absent where events are not the measure. */
  readonly events?: number
  readonly cpuSeconds: Times
  readonly eventsPerCpuSecond?: number
  readonly note?: string
}

interface Target {
  readonly capture: string
  readonly what: string
  readonly atLeast: string
  readonly found: string
  readonly met: boolean
}

interface Result {
  readonly schema: 'kreplay.bench/1'
  readonly machine: { node: string; cpu: string; cores: number; loadBefore: number[]; loadAfter: number[] }
  readonly traceCmd: string | undefined
  readonly rows: Row[]
  readonly targets: Target[]
  readonly notes: string[]
}

const byEvents = (capture: string, what: string, events: number, cpuSeconds: Times, note?: string): Row => ({
  capture,
  what,
  events,
  cpuSeconds,
  eventsPerCpuSecond: events / cpuSeconds.median,
  ...(note === undefined ? {} : { note }),
})

const million = (perSecond: number): string => `${(perSecond / 1e6).toFixed(2)} M/s`

/** Bytes of all columns: what an event takes while it is kept. The dictionary of strings is outside, it does not grow with events. */
function bytesOf(events: Events): number {
  const spine = [events.time, events.cpu, events.pid, events.kind, events.comm, events.context, events.slot]
  const payload = Object.values(events.tables).flatMap(({ list }) => list.map(({ data }) => data))
  return [...spine, ...payload].reduce((sum, { byteLength }) => sum + byteLength, 0)
}

/** Where one is kept: the file by itself, since `trace-cmd` reads no folder. */
async function traceDatOf(path: string): Promise<string | undefined> {
  const file = (await stat(path)).isDirectory() ? join(path, 'trace.dat') : path
  const found = await stat(file).catch(() => undefined)
  return found?.isFile() === true && file.endsWith('.dat') ? file : undefined
}

async function benchReaders(path: string, effort: Effort, folder: string, result: Result): Promise<Capture> {
  const { rows, targets, notes, traceCmd } = result
  const [own, capture] = await measure(effort, () => readCapture(path))
  const { name, events } = capture
  const row = byEvents(name, `${capture.format} → columns`, events.length, own)
  rows.push(row)
  const file = await traceDatOf(path)
  if (file !== undefined) {
    const cold = await measureProgram({ warmups: 0, repeats: Math.min(3, effort.repeats) }, [
      process.execPath,
      '--conditions=kreplay-src',
      join(root, 'src/cli/main.ts'),
      'info',
      path,
    ])
    rows.push(byEvents(name, 'the same in a process of its own', events.length, cold, 'start of Node included'))
  }
  if (file !== undefined && traceCmd !== undefined) {
    const other = await measureProgram({ warmups: 1, repeats: effort.repeats }, ['trace-cmd', 'report', '-i', file])
    rows.push(byEvents(name, 'trace-cmd report', events.length, other))
    const ratio = other.median / own.median
    targets.push({
      capture: name,
      what: 'trace.dat → columns, against trace-cmd report',
      atLeast: '3 ×',
      found: `${ratio.toFixed(1)} ×`,
      met: ratio >= 3,
    })
  }

  const csv = join(folder, 'events.csv')
  const [writing] = await measure(effort, () => writeRecording(capture, csv))
  const size = (await stat(csv)).size
  rows.push(byEvents(name, 'columns → CSV', events.length, writing, `${(size / 1e6).toFixed(0)} MB`))
  const [reading] = await measure({ warmups: Math.min(1, effort.warmups), repeats: Math.min(3, effort.repeats) }, () =>
    readCapture(csv),
  )
  rows.push(byEvents(name, 'CSV → columns', events.length, reading))

  const text = join(path, 'trace.txt')
  if (await stat(text).catch(() => undefined)) {
    const [times, read] = await measure(effort, () => readCapture(text))
    rows.push(byEvents(name, 'ftrace text → columns', read.events.length, times, 'the head of the same trace'))
  }
  notes.push(`${name}: ${(bytesOf(events) / events.length).toFixed(1)} bytes an event in columns`)
  return capture
}

async function benchReplay(capture: Capture, effort: Effort, { rows, targets }: Result): Promise<void> {
  const { name, events, machine } = capture
  const { length } = events
  const [scripting, script] = await measure(effort, () => scriptOf(capture))
  rows.push(byEvents(name, 'columns → script', length, scripting, 'once for all policies'))
  const [own, { run, inferred }] = await measure(effort, () => infer(script))
  rows.push(byEvents(name, 'fidelity: own policy, put right from the record', length, own))
  const [scoring] = await measure(effort, () => fidelityOf(capture, script, run))
  rows.push(byEvents(name, 'fidelity: without resync, and the scores', length, scoring))

  const rules = machine.release?.rules ?? '6.1'
  const acting = script.op.reduce((sum, op) => sum + Number(op === Op.alloc || op === Op.free), 0)
  const speeds: number[] = []
  for (const id of POLICIES) {
    const choice = choosePcp(id, rules)
    const [times] = await measure(effort, () => runPolicy(script, choice, inferred, { isolated: [3] }))
    // The other events only say what the kernel did: so both speeds are told.
    const acts = `${million(acting / times.median)} allocations and frees`
    const row = byEvents(name, `replay under ${id}`, length, times, acts)
    rows.push(row)
    speeds.push(row.eventsPerCpuSecond!)
  }
  const slowest = Math.min(...speeds)
  targets.push({
    capture: name,
    what: 'page replay, the slowest policy',
    atLeast: million(10e6),
    found: million(slowest),
    met: slowest >= 10e6,
  })
}

async function benchWhole(path: string, name: string, effort: Effort, { rows }: Result): Promise<void> {
  const few: Effort = { warmups: Math.min(1, effort.warmups), repeats: Math.min(3, effort.repeats) }
  const policies = POLICIES.slice(0, 6)
  const [comparing, comparison] = await measure(few, () =>
    compareCaptures({ captures: [path], policies, isolated: [3] }),
  )
  const [rendering, html] = await measure(few, () => renderHtml(comparison))
  rows.push({ capture: name, what: `compare, ${policies.length} policies, from the file`, cpuSeconds: comparing })
  rows.push({
    capture: name,
    what: 'report → HTML',
    cpuSeconds: rendering,
    note: `${(html.length / 1e6).toFixed(2)} MB`,
  })
}

function print({ machine, traceCmd, rows, targets, notes }: Result): void {
  const load = (averages: number[]) => averages.map((average) => average.toFixed(2)).join(' ')
  console.log(`Node ${machine.node} on ${machine.cores} × ${machine.cpu}, ${traceCmd ?? 'no trace-cmd'}`)
  console.log(`load ${load(machine.loadBefore)} before, ${load(machine.loadAfter)} after; CPU time, median (min–max)\n`)
  const ms = (seconds: number) => (seconds * 1000).toFixed(1)
  const chars = { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' }
  const speeds = new Table({
    head: ['capture', 'what', 'events', 'ms', 'events', ''],
    chars,
    style: { head: [], border: [] },
  })
  for (const { capture, what, events, cpuSeconds, eventsPerCpuSecond, note } of rows) {
    speeds.push([
      capture,
      what,
      events?.toLocaleString('en-US') ?? '',
      `${ms(cpuSeconds.median)} (${ms(cpuSeconds.min)}–${ms(cpuSeconds.max)})`,
      eventsPerCpuSecond === undefined ? '' : million(eventsPerCpuSecond),
      note ?? '',
    ])
  }
  console.log(speeds.toString())
  const goals = new Table({
    head: ['capture', 'target', 'at least', 'found', ''],
    chars,
    style: { head: [], border: [] },
  })
  for (const { capture, what, atLeast, found, met } of targets)
    goals.push([capture, what, atLeast, found, met ? 'met' : 'NOT MET'])
  console.log(goals.toString())
  for (const note of notes) console.log(note)
}

const { values } = parseArgs({
  options: {
    capture: { type: 'string', multiple: true },
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
})
const paths = values.capture ?? ['pages-5.10-s', 'drain-5.10-s'].map((name) => join(root, 'traces', name))
const effort: Effort = values.quick ? { warmups: 0, repeats: 1 } : { warmups: 3, repeats: 9 }
const loadBefore = loadavg()
const result: Result = {
  schema: 'kreplay.bench/1',
  machine: {
    node: process.versions.node,
    cpu: cpus()[0]?.model ?? 'unknown CPU',
    cores: availableParallelism(),
    loadBefore,
    loadAfter: [],
  },
  traceCmd: await versionOf('trace-cmd'),
  rows: [],
  targets: [],
  notes: [],
}
if (result.traceCmd === undefined)
  result.notes.push('trace-cmd is not installed, the ratio against it was not measured: apt-get install trace-cmd')
if (values.quick) result.notes.push('--quick: one cold run of each; the figures mean nothing')
if (loadBefore[0]! > 0.5) result.notes.push('the machine was busy: CPU time suffers from shared caches and clocks')
const folder = await mkdtemp(join(tmpdir(), 'kreplay-bench-'))
try {
  for (const path of paths) {
    const capture = await benchReaders(path, effort, folder, result)
    await benchReplay(capture, effort, result)
    await benchWhole(path, capture.name, effort, result)
  }
} finally {
  await rm(folder, { recursive: true, force: true })
}
result.machine.loadAfter = loadavg()
if (values.json) console.log(JSON.stringify(result, undefined, 2))
else print(result)
