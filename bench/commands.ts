import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { readCapture } from '#readers'
import { type Effort, measureProgram, peakOf, type Times } from './measure.ts'
import { POLICIES } from './replay.ts'
import { type Bench, byEvents, fileOf, ratioTarget, root, speedTarget, type Target, type Topic } from './topic.ts'

/** What the program may take of memory beside the events. */
const FIXED = 150e6
const BYTES_AN_EVENT = 64
const START = 0.15

/** As users start it: the clone's own, or the one that `npm run build` has made. */
export const programs: Readonly<Record<string, readonly string[]>> = {
  clone: ['--disable-warning=ExperimentalWarning', '--conditions=kreplay-src', join(root, 'src/cli/main.ts')],
  ...(existsSync(join(root, 'dist/bin/main.js')) ? { built: [join(root, 'dist/bin/main.js')] } : {}),
}

const startTarget = (what: string, { median }: Times): Target => ({
  capture: '',
  what,
  atLeast: `< ${START} s`,
  found: `${median.toFixed(2)} s`,
  met: median < START,
})

async function startUp({ effort, result }: Bench): Promise<void> {
  for (const [name, program] of Object.entries(programs)) {
    const what = `kreplay --help, ${name}`
    const times = await measureProgram(effort, [process.execPath, ...program, '--help'])
    result.rows.push({ capture: '', what, cpuSeconds: times })
    result.targets.push(startTarget(what, times))
  }
}

async function commandsOn(path: string, { few, folder, result }: Bench): Promise<void> {
  const { rows, targets, traceCmd } = result
  const { name: capture, events } = await readCapture(path)
  const file = await fileOf(path, 'trace.dat')
  const other = file === undefined || traceCmd === undefined ? undefined : await printed(file, few)
  if (other !== undefined)
    rows.push(byEvents(capture, 'trace-cmd report', events.length, other, 'prints the same file'))
  const page = join(folder, 'report.html')
  const six = POLICIES.slice(0, 6)
  for (const [name, program] of Object.entries(programs)) {
    const row = async (what: string, args: readonly string[]) => {
      const times = await measureProgram(few, [process.execPath, ...program, ...args])
      const ratio = other === undefined ? undefined : `${(times.median / other.median).toFixed(2)} of trace-cmd report`
      const made = byEvents(capture, `${what}, ${name}`, events.length, times, ratio)
      rows.push(made)
      return made
    }
    const info = await row('kreplay info --json', ['info', path, '--json'])
    const compare = ['compare', path, '--policies', six.join(), '--isolated', '3', '-o', page]
    const compared = await row(`kreplay compare of ${six.length} policies to HTML`, compare)
    targets.push(speedTarget(await row('kreplay fidelity', ['fidelity', path]), 0.5e6))
    if (other !== undefined) {
      targets.push(ratioTarget(capture, `trace-cmd report against ${info.what}`, info.cpuSeconds, other, 8))
      targets.push(ratioTarget(capture, `trace-cmd report against ${compared.what}`, compared.cpuSeconds, other, 2))
    }
    // Not with --quick: it takes a run more.
    if (few.warmups > 0)
      targets.push(
        memoryTarget(capture, compared.what, await peakOf([process.execPath, ...program, ...compare]), events),
      )
  }
}

const printed = (file: string, effort: Effort): Promise<Times> =>
  measureProgram(effort, ['trace-cmd', 'report', '-i', file])

function memoryTarget(capture: string, what: string, peak: number, { length }: { readonly length: number }): Target {
  const bytes = Math.max(0, peak - FIXED) / length
  return {
    capture,
    what: `memory of ${what}, beyond ${FIXED / 1e6} MB`,
    atLeast: `≤ ${BYTES_AN_EVENT} B an event`,
    found: `${bytes.toFixed(0)} B an event (${(peak / 1e6).toFixed(0)} MB in all)`,
    met: bytes <= BYTES_AN_EVENT,
  }
}

/** Commands as whole processes: start, reading, work and output, with the threads that they use. */
export const commands: Topic = {
  id: 'commands',
  run: async (bench) => {
    await startUp(bench)
    for (const path of bench.paths) await commandsOn(path, bench)
  },
}
