import { existsSync, realpathSync } from 'node:fs'
import { dirname } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { type Events, lossesOf } from '#events'
import { Selection } from '#events/columns'
import { didYouMean, UsageError } from '#kernel/messages'
import { readBatches } from '#readers'
import { partialOf, Spool, writeBatches, writerFor } from '#writers'
import type { Progress } from './progress.ts'
import { probesOf } from './read.ts'
import { checkFolder, makeFolderOf, whileWriting } from './write-files.ts'

export interface ConvertRequest {
  readonly input: string
  readonly output: string
  /** Seconds of the trace’s clock. */
  readonly from?: number | undefined
  readonly to?: number | undefined
  readonly cpus?: readonly number[] | undefined
  readonly events?: readonly string[] | undefined
  readonly probes?: string | undefined
  readonly progress?: Progress | undefined
}

export async function convert(request: ConvertRequest) {
  const { input, output, from, to, cpus, events, progress = () => {} } = request
  // A batch at a time is all that lives: V8's part for young objects need not grow, which it does by 50 to 90 MB.
  setFlagsFromString('--semi-space-growth-factor=1')
  // An output that can't be written is found out before a long read.
  const { id } = writerFor(output).writer
  checkFolder(output)
  checkNotInput(input, output)
  if (from !== undefined && to !== undefined && from >= to)
    throw new UsageError(`--from ${from} --to ${to}: nothing lies between`, '--to comes after --from, in seconds')
  const selection = new Selection({ from, to, cpus, names: events })
  const losses = { gaps: 0, events: 0, uncounted: 0 }
  makeFolderOf(output)
  const spool = new Spool(spoolOf(output))
  const declared = await probesOf(request.probes)
  try {
    const take = (batch: Events) => {
      spool.add(batch)
      for (const [name, count] of Object.entries(lossesOf(batch))) losses[name as keyof typeof losses] += count
    }
    const trace = await readBatches(input, {
      take,
      selection,
      probes: declared,
      onProgress: (done, total) => progress(`reading ${input}`, done, total),
    })
    checkPresent(selection, cpus, events)
    const batches = heard(spool, spool.length, (done, total) => progress(`writing ${output}`, done, total))
    await whileWriting([partialOf(output)], (signal) => writeBatches({ ...trace, batches }, output, signal))
    const { name, format, tally, hasZones } = trace
    const { read, span } = selection
    return {
      result: {
        schema: 'kreplay.conversion/1' as const,
        input: name,
        output,
        format,
        read,
        written: spool.length,
        span,
        losses,
        tally,
      },
      // Parquet is for other programs.
      lacksZones: hasZones && id !== 'parquet',
    }
  } finally {
    spool.close()
  }
}

/** A file without a name stands in the folder of the output, where there should be room; its name is used where that cannot be. */
const spoolOf = (output: string): string => `${partialOf(output).slice(0, -'.partial'.length)}.spool`

export type Conversion = Awaited<ReturnType<typeof convert>>

/** Each walk over all batches, heard. */
const heard = <T extends { readonly length: number }>(
  batches: Iterable<T>,
  total: number,
  hear: (done: number, total: number) => void,
): Iterable<T> => ({
  *[Symbol.iterator]() {
    let done = 0
    for (const batch of batches) {
      yield batch
      done += batch.length
      hear(done, total)
    }
  },
})

/** Refuses to write over the recording that is read, or over a file beside it in its folder. */
function checkNotInput(input: string, output: string): void {
  if (!existsSync(output) || !existsSync(input)) return
  const [from, to] = [realpathSync(input), realpathSync(output)]
  if (to !== from && dirname(to) !== from) return
  throw new UsageError(`${output} is part of the recording that is read`, 'choose another name for the output')
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
