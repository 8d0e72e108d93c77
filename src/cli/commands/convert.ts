import { existsSync, realpathSync } from 'node:fs'
import { dirname } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { checkFolder, whileWriting } from '#app'
import { type Events, lossesOf, Selection } from '#events'
import { UsageError } from '#kernel'
import { didYouMean } from '#policies'
import { readBatches } from '#readers'
import { Spool, writeBatches, writerFor } from '#writers'
import { number, print, printJson, progress, shown } from '../terminal.ts'
import { cpuList, type ExitCode, probesOf } from './shared.ts'

export interface ConvertRequest {
  readonly input: string
  readonly output: string
  readonly from?: number | undefined
  readonly to?: number | undefined
  readonly cpu?: string | undefined
  readonly event?: readonly string[] | undefined
  readonly probes?: string | undefined
  readonly json: boolean
}

export async function convert({
  input,
  output,
  from,
  to,
  cpu,
  event,
  probes,
  json,
}: ConvertRequest): Promise<ExitCode> {
  // A batch at a time is all that lives: V8's part for young objects need not grow, which it does by 50 to 90 MB.
  setFlagsFromString('--semi-space-growth-factor=1')
  // An output that can't be written is found out before a long read.
  const { id } = writerFor(output).writer
  checkFolder(output)
  checkNotInput(input, output)
  const cpus = cpuList('--cpu', cpu)
  if (from !== undefined && to !== undefined && from >= to)
    throw new UsageError(`--from ${from} --to ${to}: nothing lies between`, '--to comes after --from, in seconds')
  const selection = new Selection({ from, to, cpus, names: event })
  const losses = { gaps: 0, events: 0, uncounted: 0 }
  const spool = new Spool(`${output}.spool`)
  const declared = await probesOf(probes)
  const bar = progress(`reading ${input}`)
  try {
    const take = (batch: Events) => {
      spool.add(batch)
      for (const [name, count] of Object.entries(lossesOf(batch))) losses[name as keyof typeof losses] += count
    }
    const trace = await readBatches(input, { take, selection, probes: declared, onProgress: bar.update })
    bar.stop()
    checkPresent(selection, cpus, event)
    const batches = shown(spool, spool.length, `writing ${output}`)
    await whileWriting([`${output}.partial`], (signal) => writeBatches({ ...trace, batches }, output, signal))
    const { name, format, tally, hasZones } = trace
    const { read, span } = selection
    const written = spool.length
    if (json)
      printJson({ schema: 'kreplay.conversion/1', input: name, output, format, read, written, span, losses, tally })
    else {
      print(`${number(written)} of ${number(read)} events → ${output}`)
      if (written === 0 && span !== undefined)
        print(`The trace has events from ${span.from.toFixed(6)} to ${span.to.toFixed(6)} s of its clock.`)
      if (hasZones && isInput(id))
        print('Zones are not in it: to replay it, keep zoneinfo.before in one folder with it, and name it trace.*')
    }
    return 0
  } finally {
    bar.stop()
    spool.close()
  }
}

/** Parquet is for other programs. */
const isInput = (id: string): boolean => id !== 'parquet'

/** Refuses to write over the recording that is read, or over a file that stands beside it in its folder. */
function checkNotInput(input: string, output: string): void {
  if (!existsSync(output) || !existsSync(input)) return
  const [from, to] = [realpathSync(input), realpathSync(output)]
  if (to !== from && dirname(to) !== from) return
  throw new UsageError(
    `${output} is of the recording that is read`,
    'give the output another name: the recording stays',
  )
}

/** Refuses CPUs and events that were asked for and are nowhere in the trace. */
function checkPresent(selection: Selection, cpus?: readonly number[], names?: readonly string[]): void {
  const absent = cpus?.find((cpu) => !selection.cpus.includes(cpu))
  if (absent !== undefined)
    throw new UsageError(`--cpu ${absent}: the trace has no event on it`, `it has CPUs ${selection.cpus.join(', ')}`)
  const present = selection.names
  const unknown = names?.find((name) => !present.includes(name))
  if (unknown === undefined) return
  const near = didYouMean(unknown, present)
  throw new UsageError(
    `the trace has no event "${unknown}"`,
    near.length > 0 ? `did you mean ${near.join(' or ')}?` : `it has ${present.join(', ')}`,
  )
}
