import { randomInt } from 'node:crypto'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { UsageError } from '#kernel/messages'
import type { Capture } from '#readers'
import { partialOf, sidecarsOf, unwritable, writeRecording, writers } from '#writers'
import { type ReadRequest, readFor } from '../read.ts'
import { whileWriting } from '../write-files.ts'
import { pseudonymised } from './recording.ts'
import { Tokens } from './tokens.ts'

export interface AnonymiseRequest extends ReadRequest {
  /** A new folder: a capture. A preview needs none. */
  readonly output?: string | undefined
  /** Only say what would go out. */
  readonly preview?: boolean
}

/** What goes out of a machine, and what stands for the rest. */
export interface Anonymised {
  readonly schema: 'kreplay.anonymised/1'
  /** Absent where a preview names none. */
  readonly output?: string
  /** Absent of a preview: files, in the order in which they were written. */
  readonly files?: readonly string[]
  /** How many there were, each with a stand-in. */
  readonly replaced: {
    readonly tasks: number
    readonly pids: number
    readonly functions: number
    readonly modules: number
    readonly caches: number
    readonly callersWithoutSymbol: number
    readonly addressRegions: number
  }
  /** By how many page frames all of memory seems higher: whole blocks of the largest size. Nobody should know: it is not written. */
  readonly pfnsShifted: true
  /** Names that go out as they are: threads, functions and caches of every kernel. */
  readonly kept: readonly string[]
  /** Events whose payload kreplay does not know: it is left out. */
  readonly withoutPayload: number
  /** Files about the machine, as they go out. */
  readonly sidecars: Readonly<Record<string, string>>
}

/** Page frames fit 32 bits, the highest number excepted. */
const MOST_PFN = 2 ** 32 - 2 ** 22

/** Whole blocks of the largest size by which page frames are shifted; at random, since who knew it could shift them back. */
function shiftOf({ machine, events }: Capture): number {
  const block = 2 ** Math.max(machine.maxPageOrder, machine.pageblockOrder)
  let top = 0
  for (const { startPfn, spanned } of machine.zones) top = Math.max(top, startPfn + spanned)
  for (const table of Object.values(events.tables)) {
    const column = table.list.find(({ name }) => name === 'pfn')
    if (column?.type !== 'u32') continue
    for (let slot = 0; slot < table.length; slot++)
      if (column.data[slot]! < 2 ** 32 - 1) top = Math.max(top, column.data[slot]!)
  }
  const most = Math.floor((MOST_PFN - top) / block)
  if (most < 2) throw new UsageError('the page frames of this trace leave no room to shift them')
  return block * randomInt(1, Math.min(most, 2 ** 12))
}

const counters = (values: Readonly<Record<string, number>> | undefined): string =>
  Object.entries(values ?? {})
    .map(([name, value]) => `${name} ${value}\n`)
    .join('')

/** A capture without anything that says whose machine it is, which replays the same. */
export async function anonymise({ output, preview = false, ...request }: AnonymiseRequest): Promise<Anonymised> {
  if (output !== undefined) checkTarget(output)
  else if (!preview) throw new UsageError('a new folder must be named for what is written')
  const recording = await readFor(request)
  const tokens = new Tokens()
  const { events, machine, ...rest } = pseudonymised(recording, tokens, shiftOf(recording))
  const sidecars = {
    ...sidecarsOf(machine),
    ...(recording.vmstatBefore === undefined ? {} : { 'vmstat.before': counters(recording.vmstatBefore) }),
    ...(recording.vmstatAfter === undefined ? {} : { 'vmstat.after': counters(recording.vmstatAfter) }),
  }
  const { tasks, functions, modules, caches, callers, addresses, pids } = tokens
  const isWritten = !preview && output !== undefined
  const files = isWritten ? await write({ ...rest, name: 'capture', events, machine }, sidecars, output) : undefined
  return {
    schema: 'kreplay.anonymised/1',
    ...(output === undefined ? {} : { output }),
    ...(files === undefined ? {} : { files }),
    replaced: {
      tasks: tasks.size,
      pids,
      functions: functions.size,
      modules: modules.size,
      caches: caches.size,
      callersWithoutSymbol: callers.size,
      addressRegions: addresses.size,
    },
    pfnsShifted: true,
    kept: [...tasks.kept, ...functions.kept, ...caches.kept].sort(),
    withoutPayload: recording.events.tables.other.length,
    sidecars,
  }
}

function checkTarget(path: string): void {
  if (writers.some(({ extension }) => path.replace(/\.(gz|zst)$/, '').endsWith(extension)))
    throw new UsageError(`${path} names a file, and a pseudonymised capture is a folder`, 'name a new folder')
  if (!existsSync(path)) return
  if (!statSync(path).isDirectory() || readdirSync(path).length > 0)
    throw new UsageError(
      `${path} exists${statSync(path).isDirectory() ? ' and is not empty' : ' and is not a folder'}`,
      'name a new folder',
    )
}

async function write(
  recording: Capture,
  sidecars: Readonly<Record<string, string>>,
  output: string,
): Promise<string[]> {
  const trace = join(output, 'trace.csv.gz')
  const paths = Object.keys(sidecars).map((name) => join(output, name))
  await whileWriting([partialOf(trace), ...paths], async (signal) => {
    try {
      await mkdir(output, { recursive: true })
      for (const [name, text] of Object.entries(sidecars)) await writeFile(join(output, name), text)
    } catch (error) {
      throw unwritable(error, output)
    }
    await writeRecording(recording, trace, signal)
  })
  return [trace, ...paths]
}
