import { Selection } from '#events/columns'
import { UsageError } from '#kernel/messages'
import { type Info, infoOf } from '#metrics/survey'
import { type ReadRequest, readFor } from './read.ts'

export interface InfoRequest extends ReadRequest {
  /** Seconds of the trace’s clock: events from `from`, and before `to`. */
  readonly from?: number | undefined
  readonly to?: number | undefined
}

export async function info(request: InfoRequest): Promise<Info> {
  const { from, to } = request
  if (from !== undefined && to !== undefined && from >= to)
    throw new UsageError(`--from ${from} --to ${to}: nothing lies between`, '--to comes after --from, in seconds')
  const { lines, ...recording } = await readFor(request)
  if (from === undefined && to === undefined) return infoOf({ ...recording, ...(lines === undefined ? {} : { lines }) })
  const selection = new Selection({ from, to, cpus: undefined, names: undefined })
  const events = selection.of(recording.events)
  if (events.length > 0 || selection.span === undefined) return infoOf({ ...recording, events })
  const { from: first, to: last } = selection.span
  throw new UsageError(
    'the trace has no event between --from and --to',
    `it has events from ${first.toFixed(6)} to ${last.toFixed(6)} s of its clock`,
  )
}
