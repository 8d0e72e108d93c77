import { countByName, lossesOf, nameAt, selectEvents } from '#events'
import { UsageError } from '#kernel'
import { didYouMean } from '#policies'
import { writeRecording, writerFor } from '#writers'
import { checkFolder, number, print, printJson, whileWriting } from '../terminal.ts'
import { cpuList, type ExitCode, read } from './shared.ts'

export interface ConvertRequest {
  readonly input: string
  readonly output: string
  readonly from?: number | undefined
  readonly to?: number | undefined
  readonly cpu?: string | undefined
  readonly event?: readonly string[] | undefined
  readonly json: boolean
}

export async function convert({ input, output, from, to, cpu, event, json }: ConvertRequest): Promise<ExitCode> {
  // An output that can't be written is found out before a long read.
  writerFor(output)
  checkFolder(output)
  const cpus = cpuList('--cpu', cpu)
  for (const [name, value] of Object.entries({ from, to }))
    if (Number.isNaN(value)) throw new UsageError(`--${name} is no number`, `an example: --${name} 1506.3`)
  if (from !== undefined && to !== undefined && from >= to)
    throw new UsageError(`--from ${from} --to ${to}: nothing lies between`, '--to comes after --from, in seconds')
  const recording = await read(input)
  const { events } = recording
  const seen = new Set(events.cpu)
  const absent = cpus?.find((one) => !seen.has(one))
  if (absent !== undefined)
    throw new UsageError(
      `--cpu ${absent}: the trace has no event on it`,
      `it has CPUs ${[...seen].sort((a, b) => a - b).join(', ')}`,
    )
  const wanted = event === undefined ? undefined : new Set(event)
  // A loss is no event of any name: it stays, or the result would look whole.
  const isWanted = (row: number): boolean => {
    const name = nameAt(events, row)
    return wanted === undefined || name === undefined || wanted.has(name)
  }
  if (wanted !== undefined) {
    const present = Object.keys(countByName(events))
    for (const name of wanted) {
      if (present.includes(name)) continue
      const near = didYouMean(name, present)
      throw new UsageError(
        `the trace has no event "${name}"`,
        near.length > 0 ? `did you mean ${near.join(' or ')}?` : `it has ${present.join(', ')}`,
      )
    }
  }
  const start = from === undefined ? Number.NEGATIVE_INFINITY : (from - events.zero) * 1e9
  const end = to === undefined ? Number.POSITIVE_INFINITY : (to - events.zero) * 1e9
  const filtered =
    cpus === undefined && wanted === undefined && from === undefined && to === undefined
      ? events
      : selectEvents(events, (row) => {
          const time = events.time[row]!
          return time >= start && time < end && (cpus === undefined || cpus.includes(events.cpu[row]!)) && isWanted(row)
        })
  await whileWriting(`${output}.partial`, (signal) =>
    writeRecording({ ...recording, events: filtered }, output, signal),
  )
  const result = {
    schema: 'kreplay.conversion/1',
    input: recording.name,
    output,
    format: recording.format,
    read: events.length,
    written: filtered.length,
    losses: lossesOf(filtered),
    tally: recording.tally,
  }
  if (json) printJson(result)
  else {
    print(`${number(filtered.length)} of ${number(events.length)} events → ${output}`)
    if (recording.machine.zones.length > 0)
      print(
        'Kernel and zones are not in it: to replay it, keep uname and zoneinfo.before in one folder with it, and name it trace.*',
      )
  }
  return 0
}
