/**
 * `npm run fuzz [-- --minutes N] [-- --target T …] [-- --seed N] [-- --keep]`: changed inputs, guided by V8's coverage, for everything that
 * takes input from outside. Findings: an error that is no refusal (crash), an input that takes more than 20 times the usual (hang), 1 GB
 * (memory), events that cannot be (silence). Exit code 1 with a finding. `--keep` stores findings and what covered something new.
 */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { root } from '../topic.ts'
import { type Job, type Message, STATE } from './job.ts'
import { minimised } from './minimise.ts'
import { type Target, targets } from './targets.ts'

const MOST_BYTES = 1 << 17
const HANG_FACTOR = 20
const LEAST_HANG_MS = 5000
const MOST_MEMORY = 1 << 30
const MOST_KEPT_BYTES = 3000
const MOST_KEPT = 5

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    target: { type: 'string', multiple: true },
    seed: { type: 'string', default: '1' },
    keep: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) {
  console.log(`npm run fuzz -- [--minutes N] [--target T …] [--seed N] [--keep]

  --minutes  of each target (1)
  --target   all, if none is named: ${targets.map(({ id }) => id).join(', ')}
  --seed     of the series of changes (1)
  --keep     stores findings, made as small as they get, and what covered something new

  npm run fuzz -- --minutes 10 --target trace-dat`)
  process.exit()
}

export const folderOf = (kind: 'corpus' | 'findings', { id }: Target): string => join(root, 'bench/fuzz', kind, id)

export const storedIn = (folder: string): Uint8Array[] =>
  existsSync(folder)
    ? readdirSync(folder)
        .sort()
        .map((name) => readFileSync(join(folder, name)))
    : []

interface Finding {
  readonly name: string
  readonly message: string
  readonly input: Uint8Array
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

async function fuzz(target: Target, minutes: number, seed: number) {
  const corpus = [...(await target.seeds()), ...storedIn(folderOf('corpus', target))]
  const findings = new Map<string, Finding>()
  const fresh: Uint8Array[] = []
  // Time counts from the first input: to load the code of a worker is no fuzzing.
  let until = Number.POSITIVE_INFINITY
  let [executions, blocks, peak, slowest] = [0, 0, 0, 0]
  const note = (finding: Finding) => {
    // One finding a place: the first lines of the stack tell them apart.
    const place = `${finding.name} ${finding.message.split('\n').slice(0, 3).join(' ').replaceAll(/\d+/g, 'N')}`
    if (!findings.has(place)) findings.set(place, finding)
  }
  for (let round = 0; Date.now() < until; round++) {
    const input = new Uint8Array(new SharedArrayBuffer(MOST_BYTES))
    const state = new Float64Array(new SharedArrayBuffer(8 * 8))
    const workerData: Job = { target: target.id, seed: seed + round * 7919, corpus, input, state }
    const worker = new Worker(new URL('./worker.ts', import.meta.url), {
      workerData,
      resourceLimits: { maxOldGenerationSizeMb: MOST_MEMORY >> 20 },
    })
    const current = () => Uint8Array.from(input.subarray(0, state[STATE.length]!))
    worker.on('message', (message: Message) => {
      if (message.kind === 'finding') note(message)
      else fresh.push(message.input)
    })
    const ended = new Promise<void>((resolve) => {
      worker.once('error', (error: Error) => {
        note({ name: 'memory or crash', message: String(error.stack), input: current() })
        resolve()
      })
      worker.once('exit', () => resolve())
    })
    let [at, cpuThen] = [0, 0]
    const watch = setInterval(() => {
      const { rss } = process.memoryUsage()
      peak = Math.max(peak, rss)
      const began = state[STATE.began]!
      if (state[STATE.executions]! > 0 && until === Number.POSITIVE_INFINITY) until = Date.now() + minutes * 60_000
      const limit = Math.max(LEAST_HANG_MS, HANG_FACTOR * state[STATE.normalMs]!)
      if (began !== at) {
        at = began
        cpuThen = cpuMs()
      }
      // On a busy machine only the processor's time counts.
      const isLate = began > 0 && cpuMs() - cpuThen > limit
      if (isLate) note({ name: 'hang', message: `more than ${limit} ms`, input: current() })
      if (rss > MOST_MEMORY) note({ name: 'memory', message: `${rss >> 20} MB`, input: current() })
      if (!isLate && rss <= MOST_MEMORY && Date.now() <= until) return
      clearInterval(watch)
      void worker.terminate()
    }, 200)
    await ended
    clearInterval(watch)
    executions += state[STATE.executions]!
    blocks = Math.max(blocks, state[STATE.blocks]!)
    slowest = Math.max(slowest, state[STATE.slowestMs]!)
  }
  return { executions, blocks, fresh, findings: [...findings.values()], peak, slowest }
}

function keep(kind: 'corpus' | 'findings', target: Target, inputs: readonly Uint8Array[]): void {
  const folder = folderOf(kind, target)
  if (inputs.length > 0) mkdirSync(folder, { recursive: true })
  for (const bytes of inputs)
    writeFileSync(join(folder, createHash('sha256').update(bytes).digest('hex').slice(0, 12)), bytes)
}

const wanted = values.target ?? targets.map(({ id }) => id)
let found = 0
console.log('target                  executions  blocks  covering  findings  slowest ms  peak MB')
for (const id of wanted) {
  const target = targets.find((one) => one.id === id)
  if (target === undefined) throw new Error(`no target ${id}; there are ${targets.map((one) => one.id).join(', ')}`)
  const { executions, blocks, fresh, findings, peak, slowest } = await fuzz(
    target,
    Number(values.minutes),
    Number(values.seed),
  )
  const cells = [executions, blocks, fresh.length, findings.length, Math.round(slowest), peak >> 20]
  console.log(id.padEnd(22) + cells.map((cell) => String(cell).padStart(11)).join(''))
  for (const { name, message, input } of findings)
    console.log(`  ${name} (${input.length} bytes): ${message.split('\n').slice(0, 5).join('\n    ')}`)
  found += findings.length
  if (values.keep) {
    keep('corpus', target, fresh.filter(({ length }) => length <= MOST_KEPT_BYTES).slice(0, MOST_KEPT))
    const shortest: Uint8Array[] = []
    for (const { name, input } of findings)
      shortest.push(/^(?:hang|memory)/.test(name) ? input : await minimised(target, input))
    keep('findings', target, shortest)
  }
}
process.exitCode = found > 0 ? 1 : 0
