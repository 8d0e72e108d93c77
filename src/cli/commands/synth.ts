import { existsSync, readdirSync, statSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import {
  checkFolder,
  chooseWorkload,
  isModelled,
  namedWorkloads,
  synthesise,
  synthesiseLike,
  whileWriting,
  writeScenario,
} from '#app'
import { countByName, type Recording } from '#events'
import { KNOWN_VERSIONS, UsageError } from '#kernel'
import type { Likeness } from '#metrics'
import { likeParams } from '#synth'
import { sidecarsOf, unwritable, writeRecording, writers } from '#writers'
import { parametersOf, printParameters } from '../parameters.ts'
import { number, print, printJson, printTable, warn } from '../terminal.ts'
import { parseSet } from './compare.ts'
import { type ExitCode, read } from './shared.ts'

export interface SynthRequest {
  readonly workload?: string | undefined
  readonly output?: string | undefined
  readonly list: boolean
  readonly set: readonly string[]
  readonly seed: number
  readonly release?: string | undefined
  readonly like?: string | undefined
  readonly check: boolean
  readonly probes?: string | undefined
  readonly json: boolean
}

export async function synth(request: SynthRequest): Promise<ExitCode> {
  if (request.list) return list(request.json)
  const { workload, output, seed, release, check, json } = request
  if (!Number.isSafeInteger(seed)) throw new UsageError(`--seed ${seed} is no whole number`)
  if (workload === undefined && request.like === undefined)
    throw new UsageError('name a workload', '`kreplay synth --list` shows them')
  const modelled = workload !== undefined && isModelled(chooseWorkload(workload))
  if (output === undefined && !check) throw new UsageError('-o is missing', 'name a file or a folder to write')
  const set = parseSet(request.set)
  if (modelled) {
    if (request.like !== undefined)
      throw new UsageError(
        `${workload} cannot be fitted from a capture`,
        'it runs on a model of a machine; `compare` replays the calls of a kvfree capture themselves',
      )
    if (output === undefined || !output.endsWith('.json'))
      throw new UsageError(`${workload} runs on a model of a machine and has no events`, 'name a file: -o x.json')
    checkFolder(output)
    await writeScenario({ workload, params: set, seed }, output)
    if (json) printJson({ schema: 'kreplay.synthesis/1', workload, seed, output })
    else
      print(
        `${workload} → ${output}\n\`kreplay compare ${output} --policies kvfree/linux-6.1,kvfree/polled-v2\` runs it`,
      )
    return 0
  }
  if (output !== undefined) checkTarget(output)
  if (request.like === undefined) {
    if (check) throw new UsageError('--check compares with a capture', 'name one: --like CAPTURE')
    await write(
      synthesise(workload!, { seed, set, ...(release === undefined ? {} : { release }) }),
      output!,
      seed,
      json,
    )
    return 0
  }
  if (workload !== undefined) {
    if (check) throw new UsageError('--check is for a trace like a capture', `leave out ${workload} or --check`)
    const fit = await read(request.like, request.probes)
    const made = synthesise(workload, { seed, set, fit, ...(release === undefined ? {} : { release }) })
    await write(made, output!, seed, json)
    return 0
  }
  if (release !== undefined) throw new UsageError('--release: a trace like a capture is of the capture’s kernel')
  const capture = await read(request.like, request.probes)
  const made = synthesiseLike(capture, { seed, set })
  const likeness = check ? made.likeness : undefined
  if (output !== undefined) await write(made.recording, output, seed, json, likeness)
  else if (json) printJson({ ...likeness, seed })
  if (likeness === undefined) return 0
  if (!json) printLikeness(likeness)
  for (const what of likeness.outside) warn(`check failed: ${what} is more than ${likeness.bound * 100} % off`)
  return likeness.outside.length > 0 ? 1 : 0
}

const isFile = (path: string): boolean =>
  writers.some(({ extension }) => path.replace(/\.(gz|zst)$/, '').endsWith(extension))

function checkTarget(path: string): void {
  if (isFile(path)) checkFolder(path)
  else if (/\.[a-z]+$/.test(basename(path)))
    throw new UsageError(
      `no writer for ${path}`,
      `name it with one of ${writers.map(({ extension }) => extension).join(', ')}, or with none for a capture folder`,
    )
  else if (existsSync(path) && !statSync(path).isDirectory())
    throw new UsageError(`${path} is there already, and no folder`, 'name a new folder')
  else if (existsSync(path) && readdirSync(path).length > 0)
    throw new UsageError(`${path} is there already, and not empty`, 'name a new folder')
}

async function write(
  recording: Recording,
  output: string,
  seed: number,
  json: boolean,
  likeness?: Likeness,
): Promise<void> {
  const file = isFile(output) ? output : join(output, 'trace.dat')
  const sidecars = Object.entries(file === output ? {} : sidecarsOf(recording.machine)).map(
    ([name, text]) => [join(output, name), text] as const,
  )
  await whileWriting([`${file}.partial`, ...sidecars.map(([path]) => path)], async (signal) => {
    try {
      if (file !== output) await mkdir(output, { recursive: true })
      for (const [path, text] of sidecars) await writeFile(path, text)
    } catch (error) {
      throw unwritable(error, output)
    }
    await writeRecording(recording, file, signal)
  })
  const events = countByName(recording.events)
  if (json) {
    const { name, machine } = recording
    printJson({
      schema: 'kreplay.synthesis/1',
      workload: name,
      seed,
      kernel: machine.release?.text,
      rules: machine.release?.rules,
      output,
      events,
      ...(likeness === undefined ? {} : { likeness }),
    })
    return
  }
  const { release } = recording.machine
  print(`${recording.name}, Linux ${release?.text ?? 'unknown'}: ${number(recording.events.length)} events → ${output}`)
  if (release?.exact === false)
    print(
      `Recorded by the rules of ${release.rules}, the last known before ${release.text}: known are those of ${KNOWN_VERSIONS.join(', ')}.`,
    )
  if (file === output) print('Zones are not in it; give a folder’s name to have them beside it.')
}

function printLikeness({ capture, rows }: Likeness): void {
  const round = (value: number) => (Math.abs(value) >= 100 ? number(Math.round(value)) : value.toPrecision(3))
  printTable(
    ['', 'unit', capture, 'synthetic', 'ratio', ''],
    rows.map(({ what, unit, capture: before, synthetic, ratio, checked }) => [
      what,
      unit,
      round(before),
      round(synthetic),
      ratio === undefined ? '–' : ratio.toFixed(3),
      checked ? '' : 'not checked',
    ]),
  )
}

function list(json: boolean): ExitCode {
  const all = [
    ...namedWorkloads,
    {
      id: '--like CAPTURE',
      title: 'a trace like a capture, of its kernel and machine',
      source: 'local block bootstrap; docs/synth.md',
      leavesOut: 'any behaviour that the capture does not show',
      params: likeParams,
    },
  ].map(({ id, title, source, leavesOut, params }) => ({
    id,
    title,
    source,
    leavesOut,
    parameters: parametersOf(params),
  }))
  if (json) {
    printJson({ schema: 'kreplay.workloads/1', workloads: all })
    return 0
  }
  for (const { id, title, source, leavesOut, parameters } of all) {
    print(`${id}: ${title}\n  source: ${source}\n  leaves out: ${leavesOut}`)
    printParameters(parameters, 'as the capture')
    print('')
  }
  return 0
}
