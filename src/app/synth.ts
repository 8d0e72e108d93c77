import { existsSync, readdirSync, statSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { countByName, type Recording } from '#events'
import { UsageError } from '#kernel/messages'
import type { Likeness } from '#metrics'
import { likeParams } from '#synth'
import { partialOf, sidecarsOf, unwritable, writeRecording, writers } from '#writers'
import { parseSettings } from './compare-files.ts'
import type { Settings } from './families/index.ts'
import { parametersOf } from './parameters.ts'
import type { Progress } from './progress.ts'
import { readFor } from './read.ts'
import { writeScenario } from './scenario.ts'
import { synthesise, synthesiseLike } from './synthesise.ts'
import { chooseWorkload, isModelled, namedWorkloads } from './workloads.ts'
import { checkFolder, makeFolderOf, whileWriting } from './write-files.ts'

export interface SynthRequest {
  readonly workload?: string | undefined
  readonly output?: string | undefined
  /** `PARAM=VALUE` of the workload. */
  readonly set: readonly string[]
  readonly seed: number
  readonly release?: string | undefined
  /** A capture that the trace is to be like. */
  readonly like?: string | undefined
  /** Whether the trace is compared with that capture. */
  readonly check: boolean
  readonly probes?: string | undefined
  readonly progress?: Progress | undefined
}

/** A trace that was made; its events by name. */
interface Made {
  readonly kind: 'trace'
  readonly workload: string
  readonly seed: number
  readonly release: Recording['machine']['release']
  /** Undefined where it was only compared. */
  readonly output: string | undefined
  /** Whether it is one file, without the machine’s zones beside it. */
  readonly bare: boolean
  readonly events: Readonly<Record<string, number>>
  readonly likeness?: Likeness
}

/** A scenario: what a model of a machine runs, no events. */
interface Scenario {
  readonly kind: 'scenario'
  readonly workload: string
  readonly seed: number
  readonly output: string
}

export type Synthesis = Made | Scenario

export async function synth(request: SynthRequest): Promise<Synthesis> {
  const { workload, output, seed, check, like } = request
  if (!Number.isSafeInteger(seed)) throw new UsageError(`--seed ${seed} is no whole number`)
  if (workload === undefined && like === undefined)
    throw new UsageError('name a workload', '`kreplay synth --list` shows them')
  const modelled = workload !== undefined && isModelled(chooseWorkload(workload))
  if (output === undefined && !check) throw new UsageError('-o is missing', 'name a file or a folder to write')
  const set = parseSettings(request.set)
  if (modelled) return await scenarioOf(workload, request, set)
  if (check && like === undefined) throw new UsageError('--check compares with a capture', 'name one: --like CAPTURE')
  if (check && workload !== undefined)
    throw new UsageError('--check is for a trace like a capture', `leave out ${workload} or --check`)
  if (workload === undefined && request.release !== undefined)
    throw new UsageError('--release: a trace like a capture is of the capture’s kernel')
  if (output !== undefined) checkTarget(output)
  const { recording, likeness } = await madeBy(request, set)
  const bare = output !== undefined && (await write(recording, output))
  return {
    kind: 'trace',
    workload: recording.name,
    seed,
    release: recording.machine.release,
    output,
    bare,
    events: countByName(recording.events),
    ...(check && likeness !== undefined ? { likeness } : {}),
  }
}

/** Fitted to a capture, where one is given; like it, where no workload is named. */
async function madeBy(
  { workload, like, probes, progress, seed, release }: SynthRequest,
  set: Settings,
): Promise<{ readonly recording: Recording; readonly likeness?: Likeness }> {
  const capture = like === undefined ? undefined : await readFor({ capture: like, probes, progress })
  progress?.('making the trace', 0, 1)
  if (workload === undefined) return synthesiseLike(capture!, { seed, set })
  return {
    recording: synthesise(workload, {
      seed,
      set,
      ...(capture === undefined ? {} : { fit: capture }),
      ...(release === undefined ? {} : { release }),
    }),
  }
}

async function scenarioOf(workload: string, { like, output, seed }: SynthRequest, params: Settings): Promise<Scenario> {
  if (like !== undefined)
    throw new UsageError(
      `${workload} cannot be fitted from a capture`,
      'it runs on a model of a machine; `compare` replays the calls of a kvfree capture themselves',
    )
  if (output === undefined || !output.endsWith('.json'))
    throw new UsageError(`${workload} runs on a model of a machine and has no events`, 'name a file: -o x.json')
  checkFolder(output)
  await writeScenario({ workload, params, seed }, output)
  return { kind: 'scenario', workload, seed, output }
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
    throw new UsageError(`${path} exists and is not a folder`, 'name a new folder')
  else if (existsSync(path) && readdirSync(path).length > 0)
    throw new UsageError(`${path} exists and is not empty`, 'name a new folder')
}

/** Writes a trace file, or a capture folder. Returns whether it is a file by itself. */
async function write(recording: Recording, output: string): Promise<boolean> {
  const bare = isFile(output)
  const file = bare ? output : join(output, 'trace.dat')
  const sidecars = Object.entries(bare ? {} : sidecarsOf(recording.machine)).map(
    ([name, text]) => [join(output, name), text] as const,
  )
  if (bare) makeFolderOf(output)
  await whileWriting([partialOf(file), ...sidecars.map(([path]) => path)], async (signal) => {
    try {
      if (!bare) await mkdir(output, { recursive: true })
      for (const [path, text] of sidecars) await writeFile(path, text)
    } catch (error) {
      throw unwritable(error, output)
    }
    await writeRecording(recording, file, signal)
  })
  return bare
}

/** Every workload, and `--like`, with what can be set. */
export const workloadList = () =>
  [
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
